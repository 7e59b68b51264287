"""A session as a test drives it: commands by name, views by name, a clock that goes where it is told."""

from __future__ import annotations

import json

from babygpt.studio.session import Session

SMALL = {"n_layer": 1, "n_head": 2, "n_embd": 8}


class Driven:
    """A session, the latest of each of its views, and a clock."""

    def __init__(self, *args, **settings):
        self.session = Session(*args)
        self.now, self.known, self.views = 100.0, {}, {}
        self.look()
        if settings:
            self("configure", **settings)
            assert self.notice is None, self.notice

    def __call__(self, command, **parts):
        """Give a command; return the views that it changed."""
        self.session.handle({"command": command, **parts})
        return self.look()

    def look(self):
        changed, self.known = self.session.changed(self.known)
        json.dumps(changed, allow_nan=False)
        self.views |= changed
        return changed

    def __getattr__(self, view):
        return self.views[view]

    def script(self):
        """Return the scripts, as a panel asks for them while it is open."""
        self("code", on=True)
        code = self.code
        self("code", on=False)
        assert self.code is None
        return code

    def finish(self, budget=10.0):
        """Let the training end, at a clock that stands still."""
        while self.session.training:
            self.session.advance(self.now, budget)
        self.look()
        return self

    def wait(self, seconds):
        """Do all that is due in so many seconds; return the frames' steps in order."""
        until, steps = self.now + seconds, []
        while (due := self.session.due(self.now)) is not None and due <= until:
            self.now = max(self.now, due)
            self.session.advance(self.now, 0.0)
            changed = self.look()
            if "frame" in changed:
                steps.append(self.frame["step"])
        self.now = until
        return steps

    def trained(self):
        """Train to the end, and show the last step."""
        self("train")
        self("pause")
        self.finish()
        self("seek", step=self.player["trained"])
        return self

    def grid(self):
        """Return the frame's values, state by state."""
        V = len(self.setup["symbols"])
        values = self.frame["values"]
        return [values[i : i + V] for i in range(0, len(values), V)]


def opened(link):
    """Return a session that a link was opened in, its training done."""
    studio = Driven()
    studio("open", link=link)
    return studio.finish()
