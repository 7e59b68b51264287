r"""What a GPT predicts after every context, with every common beginning read once.

Attention is causal: what a GPT computes for a token depends on the tokens before it and on none after. Contexts that
begin alike therefore share the work for that beginning. The V^K contexts of K tokens are the leaves of a *prefix tree*
in which every node is one token read once: V + V² + … + V^K in all instead of K·V^K. Its inner nodes are the short
contexts. It is read level by level. Three things make that fast.

**Layout.** Arrays are feature-major, (features, nodes), so that operations run along the long axis. Within a level the
newest token is the most significant digit of a node's place. The ancestor of node i that belongs to a level of W nodes
then stands at place i mod W, and its keys are read by broadcasting over its descendants: no key is copied.

**Branches.** A level that would outgrow the cache is split by its oldest tokens into branches that go on separately,
depth first, so that memory stays flat. What all contexts of a branch begin with is its *prefix*; the keys of the prefix
meet all queries in one matrix product.

**Layer 0** sees nothing but a token and its place, so its attention is a sum over a small table. The weights of all
layers are those of :mod:`babygpt.gpt.fast.folded`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from babygpt.gpt.fast.folded import FoldedGPT
from babygpt.gpt.fast.scratch import Scratch, scratch_of_this_thread
from babygpt.gpt.model import GPT

# Activations (nodes × width) of one level of a branch: as many as a CPU's cache holds, or keep an accelerator busy.
# The feed-forward part, four times as wide, is done in portions of a quarter.
CACHE_ACTIVATIONS = 2**18
ACCELERATOR_ACTIVATIONS = 2**24
# The keys of few nodes are repeated to at least this many, so that the rows they are read along are long enough to be
# fast, and all alike, so that several tokens are looked at in one operation.
LEAST_ROW = 256
# A split fixes at most this many combinations of oldest tokens (or one token, whatever the vocabulary).
SPLIT_INTO = 8


@dataclass(frozen=True)
class Branch:
    """The contexts that begin with ``prefix`` and have ``free`` more tokens, whichever, and what their tokens left.

    Attributes
    ----------
    prefix
        The r tokens that all have in common.
    shared
        Keys (H, r, D) and values (H, D, r) of the prefix, for each layer.
    free
        How many more tokens they have.
    short
        Keys and values of the oldest free tokens, each repeated to the same row: (L, 2, tokens, H, D, row).
    long
        Keys and values of each younger free token, of which there are more than a row: (L, 2, H, D, nodes).
    tokens
        The newest tokens to read after these contexts; None means all.
    """

    prefix: tuple[int, ...]
    shared: list[tuple[Tensor, Tensor]]
    free: int
    short: Tensor
    long: tuple[Tensor, ...] = ()
    tokens: range | None = None

    @property
    def length(self) -> int:
        """How many tokens its contexts have."""
        return len(self.prefix) + self.free

    def level(self, i: int) -> Tensor:
        """Return keys and values of free token i = 0, 1, …: (L, 2, H, D, nodes or row)."""
        return self.short[:, :, i] if i < self.short.shape[2] else self.long[i - self.short.shape[2]]


@dataclass(frozen=True)
class Piece:
    """What the GPT predicts after the contexts of one branch, one token longer.

    Attributes
    ----------
    length
        Tokens of each context.
    parents
        The numbers of the contexts without their newest token.
    tokens
        The newest tokens.
    logits
        (V, parents · tokens), the newest token varying fastest: in order of the contexts' numbers.
    """

    length: int
    parents: range
    tokens: range
    logits: Tensor


class PrefixTree:
    """The tree of a GPT's contexts. Its weights are copied; later changes to the GPT do not show.

    Computes in float32, or in float64 for a GPT that does, on the GPT's device.

    >>> from babygpt.gpt.model import GPTConfig, seeded_gpt
    >>> tree = PrefixTree(seeded_gpt(GPTConfig(), seed=1337))
    >>> [(piece.length, piece.logits.shape[1]) for piece in tree.grow(tree.root()) if isinstance(piece, Piece)]
    [(1, 2), (2, 4), (3, 8)]
    """

    @torch.inference_mode()
    def __init__(self, gpt: GPT) -> None:
        self.config = config = gpt.config
        self._weights = weights = FoldedGPT.of(gpt)
        on_cpu = weights.wte.device.type == "cpu"
        self._width = max(1, (CACHE_ACTIVATIONS if on_cpu else ACCELERATOR_ACTIVATIONS) // config.n_embd)
        self._n_short = math.ceil(math.log(LEAST_ROW, config.vocab_size) - 1e-9)  # levels of no more nodes than a row
        # Layer 0 answers from a table if its scores need no maximum: queries, keys and values by place and token.
        self._tabled = not weights.blocks[0].sharp
        x = self._normalised((weights.wpe[:, :, None] + weights.wte[:, None, :]).flatten(1))
        shape = (3, config.n_head, config.n_embd // config.n_head, config.block_size, config.vocab_size)
        self._table = (weights.blocks[0].qkv @ x).view(shape)
        self._orders: dict[tuple[int, int], Tensor] = {}

    def up_to(self, context_length: int) -> PrefixTree:
        """Let the tree end at contexts of so many tokens, no more than the GPT reads; return it."""
        self.config = replace(self.config, block_size=context_length)
        return self

    def root(self) -> Branch:
        """Return the branch that all others grow from: the empty context."""
        L, H, D = self._shape
        nothing = self._weights.wte.new_empty(H, 0, D), self._weights.wte.new_empty(H, D, 0)
        return Branch((), [nothing] * L, 0, self._short_room(Scratch(self._weights.wte), "root"))

    @torch.inference_mode()
    def grow(self, branch: Branch, whole: bool = True, forks: int = 1) -> Iterator[Piece | Branch]:
        """Read the contexts one token longer than those of ``branch``, two tokens longer, … K tokens.

        Where that is too much for one go, ``branch`` falls into smaller ones. They are grown here too, one after the
        other, if ``whole``, and are yielded otherwise: each can then be grown at any time, on any thread, but only one
        at a time on each. With ``forks`` it falls into at least as many as soon as possible.
        """
        V, K = self.config.vocab_size, self.config.block_size
        keep = (
            self._scratch if whole else Scratch(self._weights.wte)
        )  # what others grow on must not be written over here
        limit = self._width * math.sqrt(V)  # between this width and the next, the nearer
        while branch.length < K:
            parents = V**branch.free
            tokens = branch.tokens or range(V)
            inner = branch.length + 1 < K
            smaller: Iterator[Branch] | None = None
            if inner and branch.free > 1 and (parents * V > limit or parents >= forks * V > V):
                smaller = self._split(branch, keep, forks)
            elif not inner and branch.tokens is None and parents * V > limit:
                smaller = self._portions(branch)
            if smaller is not None:
                for part in smaller:
                    if whole:
                        yield from self.grow(part)
                    else:
                        yield part
                return
            room = self._room(branch, keep) if inner else None
            logits = self._read(branch, tokens, room)
            first = parents * sum(token * V**i for i, token in enumerate(reversed(branch.prefix)))
            yield Piece(
                branch.length + 1,
                range(first, first + parents),
                tokens,
                logits[:, self._order(branch.free, len(tokens))],
            )
            if room is None:
                return
            long = branch.long if branch.free < self._n_short else (*branch.long, room.flatten(4))
            branch = replace(branch, free=branch.free + 1, long=long)

    def size(self, branch: Branch) -> int:
        """Return how many contexts there are to read on ``branch``."""
        V, more = self.config.vocab_size, self.config.block_size - branch.length
        below = V**branch.free * (V ** (more + 1) - V) // (V - 1)
        return below if branch.tokens is None else below * len(branch.tokens) // V

    @property
    def _shape(self) -> tuple[int, int, int]:
        """Layers that leave keys and values; heads; width of a head."""
        config = self.config
        return config.n_layer - self._tabled, config.n_head, config.n_embd // config.n_head

    @property
    def _scratch(self) -> Scratch:
        return scratch_of_this_thread(self._weights.wte)

    def _portions(self, branch: Branch) -> Iterator[Branch]:
        """Yield the branch with a few newest tokens at a time: nothing goes on from here, so that any will do."""
        V = self.config.vocab_size
        portion = max(1, self._width // V**branch.free)
        for start in range(0, V, portion):
            yield replace(branch, tokens=range(start, min(start + portion, V)))

    def _split(self, branch: Branch, keep: Scratch, forks: int) -> Iterator[Branch]:
        """Yield the branches in which the oldest free tokens are part of the prefix."""
        V, remaining = self.config.vocab_size, self.config.block_size - branch.length
        fixed = 1
        while fixed < branch.free - 1 and (
            V**fixed < forks or (V ** (fixed + 1) <= SPLIT_INTO and fixed < remaining - 1)
        ):
            fixed += 1
        free = branch.free - fixed
        for number in range(V**fixed):
            digits = tuple(number // V**i % V for i in range(fixed))  # the oldest token is the least significant
            nodes = torch.stack(
                [branch.level(i)[..., number % V ** (i + 1)] for i in range(fixed)]
            )  # (fixed, L, 2, H, D)
            shared = [
                (torch.cat((keys, new[0].transpose(0, 1)), dim=1), torch.cat((values, new[1].permute(1, 2, 0)), dim=2))
                for (keys, values), new in zip(branch.shared, nodes.permute(1, 2, 0, 3, 4), strict=True)
            ]
            # in memory that is used again, each branch takes the place of the one before
            name = ("split", branch.length, number if keep is not self._scratch else 0)
            part = Branch((*branch.prefix, *digits), shared, 0, self._short_room(keep, name))
            for i in range(free):
                room = self._room(part, keep, name)
                kept = branch.level(i + fixed)[..., number : V ** (i + 1 + fixed) : V**fixed]
                room.copy_(kept.unsqueeze(4))
                part = replace(part, free=i + 1, long=part.long if i < self._n_short else (*part.long, room.flatten(4)))
            yield part

    def _short_room(self, keep: Scratch, name: object) -> Tensor:
        L, H, D = self._shape
        return keep(("short", name), L, 2, self._n_short, H, D, self.config.vocab_size**self._n_short)

    def _room(self, branch: Branch, keep: Scratch, name: object = None) -> Tensor:
        """Return where to leave the keys and values of the branch's next token: (L, 2, H, D, times, nodes)."""
        L, H, D = self._shape
        nodes = self.config.vocab_size ** (branch.free + 1)
        if branch.free < self._n_short:
            return branch.short[:, :, branch.free].view(L, 2, H, D, branch.short.shape[-1] // nodes, nodes)
        return keep((name, branch.length), L, 2, H, D, 1, nodes)

    def _order(self, free: int, n_tokens: int) -> Tensor:
        """Return the place of each context within its level, in order of number: digits the other way round."""
        if (free, n_tokens) not in self._orders:
            places = torch.arange(n_tokens * self.config.vocab_size**free, device=self._weights.wte.device)
            digits = places.view(n_tokens, *[self.config.vocab_size] * free)
            self._orders[free, n_tokens] = digits.permute(*reversed(range(free + 1))).flatten()
        return self._orders[free, n_tokens]

    # -- one level of one branch -------------------------------------------------------------------------

    def _read(self, branch: Branch, tokens: range, room: Tensor | None) -> Tensor:
        """Read ``tokens`` after each context of ``branch``, leave keys and values in ``room``: logits (V, n)."""
        _, H, D = self._shape
        parents = self.config.vocab_size**branch.free
        n, C = len(tokens) * parents, H * D
        x, y = self._scratch("x", C, n), self._scratch("y", H, D, n)
        new = (
            self._weights.wte[:, tokens.start : tokens.stop] + self._weights.wpe[:, branch.length, None]
        )  # (C, tokens)
        x.view(C, len(tokens), parents).copy_(new[:, :, None])
        for index, layer in enumerate(self._weights.blocks):
            if index == 0 and self._tabled:
                self._first_attention(branch, tokens, y.view(H, D, len(tokens), parents))
            else:
                qkv = torch.mm(layer.qkv, self._normalised(x), out=self._scratch("qkv", 3 * C, n)).view(3, H, D, n)
                at = index - self._tabled
                if room is not None:
                    room[at].copy_(qkv[1:].unsqueeze(3))
                self._attention(branch, at, qkv, parents, layer.sharp, y)
            x.addmm_(layer.attn_proj, y.view(C, n))
            if layer.attn_bias is not None:
                x += layer.attn_bias
            for part in torch.split(x, max(1, self._width // 4), dim=1):
                hidden = self._scratch("hidden", 4 * C, part.shape[1])
                torch.mm(layer.fc, self._normalised(part), out=hidden)
                torch.ops.aten.gelu.out(hidden, out=hidden)
                part.addmm_(layer.mlp_proj, hidden)
            if layer.mlp_bias is not None:
                x += layer.mlp_bias
        return self._weights.head @ self._normalised(x)

    def _normalised(self, x: Tensor) -> Tensor:
        """Return the columns of x (C, n), whose mean is 0 already, at length 1, over a row of ones: (C + 1, n).

        √C is folded into what reads them.
        """
        C, n = x.shape
        whole, length = self._scratch("normalised", C + 1, n), self._scratch("length", n)
        out = whole[:C]
        torch.sum(torch.mul(x, x, out=out), 0, out=length)
        torch.mul(x, length.add_(self._weights.epsilon).rsqrt_(), out=out)
        whole[C].fill_(1.0)
        return whole

    def _attention(self, branch: Branch, at: int, qkv: Tensor, parents: int, sharp: bool, y: Tensor) -> None:
        """Write what each node gathers from its ancestors and itself to ``y`` (H, D, n)."""
        q, own_keys, own_values = qkv.unbind(0)
        H, D, n = q.shape
        r, n_short = len(branch.prefix), min(branch.free, self._n_short)
        scores = self._scratch("scores", branch.length + 1, H, n)  # oldest token first
        prefix, short, long, own = torch.split(scores, [r, n_short, len(branch.long), 1])
        row = min(branch.short.shape[-1], parents)
        short_keys, short_values = branch.short[at, :, :n_short, :, :, None, :row].unbind(0)
        long_keys_values = [level[at].unsqueeze(3).unbind(0) for level in branch.long]

        if r:
            torch.bmm(branch.shared[at][0], q, out=prefix.transpose(0, 1))
        if n_short:
            self._dot(q.view(1, H, D, n // row, row), short_keys, short.view(n_short, H, n // row, row))
        for slot, (keys, _) in zip(long, long_keys_values, strict=True):
            self._dot(q.view(H, D, -1, keys.shape[-1]), keys, slot.view(H, -1, keys.shape[-1]))
        self._dot(q.unsqueeze(2), own_keys.unsqueeze(2), own.view(H, 1, n))
        if sharp:
            scores -= scores.amax(dim=0)
        scores.exp2_()

        torch.mul(own.view(H, 1, n), own_values, out=y)
        if r:
            y.baddbmm_(branch.shared[at][1], prefix.transpose(0, 1))
        rows = y.view(H, D, -1, row)
        for weights, values in zip(short.view(n_short, H, 1, n // row, row), short_values, strict=True):
            rows.addcmul_(weights, values)
        for weights, (_, values) in zip(long, long_keys_values, strict=True):
            y.view(H, D, -1, values.shape[-1]).addcmul_(weights.view(H, 1, -1, values.shape[-1]), values)
        y.div_(torch.sum(scores, 0, out=self._scratch("total", H, n)).unsqueeze(1))

    @staticmethod
    def _dot(q: Tensor, k: Tensor, out: Tensor) -> None:
        """Write the sum over D of q times k, (…, H, D, rows, row) or broadcasting, to ``out`` (…, H, rows, row)."""
        (q0, *qs), (k0, *ks) = q.unbind(-3), k.unbind(-3)
        torch.mul(q0, k0, out=out)
        for one, other in zip(qs, ks, strict=True):
            out.addcmul_(one, other)

    def _first_attention(self, branch: Branch, tokens: range, y: Tensor) -> None:
        """Write the same for layer 0 to ``y`` (H, D, T, parents), from the table."""
        q, k, v = self._table  # (H, D, K, V) each
        H, D, _, V = q.shape
        T, now, r = len(tokens), branch.length, len(branch.prefix)
        asking = slice(tokens.start, tokens.stop)
        query = q[:, :, now, asking]  # (H, D, T)

        def weighted(weight: Tensor, value: Tensor) -> Tensor:
            return torch.cat((value * weight.unsqueeze(1), weight.unsqueeze(1)), dim=1)

        own = (query * k[:, :, now, asking]).sum(dim=1).exp2_()  # (H, T)
        total = weighted(own, v[:, :, now, asking])  # (H, D + 1, T): the sum of weighted values, and of weights
        if r:
            place, token = torch.tensor([list(range(r)), branch.prefix], device=q.device)
            weight = torch.bmm(query.transpose(1, 2), k[:, :, place, token]).exp2_()  # (H, T, r)
            total += weighted(weight, v[:, :, place, token].unsqueeze(2)).sum(dim=3)
        total = total.unsqueeze(3)  # (H, D + 1, T, contexts so far)
        if now > r:
            weight = torch.bmm(query.transpose(1, 2), k[:, :, r:now].flatten(2)).exp2_()
            terms = weighted(weight, v[:, :, r:now].flatten(2).unsqueeze(2)).view(H, D + 1, T, now - r, V)
            for i in range(now - r):
                old, total = total, self._scratch(("total", i % 2), H, D + 1, T, V, total.shape[3])
                torch.add(terms[:, :, :, i, :, None], old[:, :, :, None], out=total)
                total = total.flatten(3)
        torch.div(total[:, :D], total[:, D:], out=y)
