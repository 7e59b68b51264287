"""What a person does first: look, train, be surprised, go back, change something."""

from __future__ import annotations

import re

from browsing import arrows, step_of, table, tool, train, wait_for_step

expect = tool("playwright.sync_api").expect

# Every word of the session's arrives a second late.
LATE = """
    const plain = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    Object.defineProperty(WebSocket.prototype, "onmessage", {
        set(heard) { plain.set.call(this, (event) => setTimeout(() => heard(event), 1000)); },
    });
"""


def test_the_untrained_chain_is_there_and_the_ball_wanders(visit):
    page = visit()
    expect(page.locator(".g-node")).to_have_count(8)
    expect(page.get_by_text("8 states · 16 arrows · 12,656 parameters")).to_be_visible()
    expect(page.locator(".caption")).to_contain_text("A whole GPT: there are only 8 things it can ever read")
    tape = page.locator(".tape .line")
    before = tape.inner_text()
    expect(tape).not_to_have_text(before)


def test_train_then_the_sentence_then_the_surprise(visit):
    page = visit()
    page.get_by_role("button", name=re.compile("^101,")).click()
    expect(page.locator(".sentence")).to_have_text(
        "After 101 the model says 1 with 55 %; the data always says 1 (2 times)."
    )
    train(page)
    expect(page.locator(".sentence")).to_have_text(
        "After 101 the model says 1 with 79 %; the data always says 1 (2 times)."
    )
    page.get_by_role("button", name="Look at 000.").click()
    expect(page.locator(".sentence")).to_have_text("After 000 the model says 1 with 73 %; the data never has 000.")
    expect(page.get_by_text("It says 1 with 73 %, though the data never has 000.")).to_be_visible()
    assert arrows(page)["111"] == {"0": 55, "1": 45}


def test_when_the_first_film_ends_a_sentence_says_what_became_of_it(visit):
    page = visit()
    train(page)
    expect(page.locator(".sentence")).to_have_text(
        "After 101 the model says 1 with 79 %; the data always says 1 (2 times)."
    )
    page.get_by_role("button", name="Clear the selection").click()
    page.get_by_role("button", name="Watch again").click()
    wait_for_step(page, 50)
    expect(page.get_by_text("Select a state in the chain")).to_be_visible()  # once is enough


def test_frames_pass_by_while_it_plays_and_the_loss_falls(visit):
    page = visit()
    page.get_by_role("button", name="Train", exact=True).click()
    seen = set()
    while (step := step_of(page)) < 50:
        seen.add(step)
        page.wait_for_timeout(40)
    assert len(seen) > 10
    assert page.locator(".now b").first.inner_text() < "0.48"


def test_scrubbing_shows_the_chain_of_each_step_and_rewinding_the_same_beginning(visit):
    page = visit("#view=table")
    untrained = arrows(page)
    train(page)
    trained = arrows(page)
    assert trained != untrained
    timeline = page.get_by_role("slider", name="Training step")
    line = timeline.locator(".bound line").first.bounding_box()  # from step 0 to step 50
    page.mouse.move(line["x"] + line["width"] * 0.9, line["y"] + 30)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] * 0.5, line["y"] + 30, steps=8)
    page.mouse.up()
    wait_for_step(page, 25)
    assert arrows(page) not in (trained, untrained)
    page.get_by_role("button", name="Back to the initial weights").click()
    wait_for_step(page, 0)
    assert arrows(page) == untrained
    page.get_by_role("button", name="One step").click()
    wait_for_step(page, 1)
    page.get_by_role("button", name="Watch on").click()
    wait_for_step(page, 50)
    assert arrows(page) == trained


def test_editing_a_token_begins_anew_and_trains_to_another_chain(visit):
    page = visit()
    train(page)
    first = arrows(page)
    page.get_by_role("button", name="Token 1: 1").click()
    wait_for_step(page, 0)
    expect(page.get_by_role("button", name="Token 1: 0")).to_be_focused()
    train(page)
    assert arrows(page) != first
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Token 1: 0").click()
    wait_for_step(page, 0)
    train(page)
    assert arrows(page) == first


def test_who_types_fast_loses_nothing(visit):
    page = visit()
    page.get_by_role("button", name="Add a token").focus()
    page.keyboard.type("0110100110010110100101100110100110", delay=5)
    expect(page.get_by_role("group", name="Training sequence")).to_have_attribute("aria-label", re.compile("49 tokens"))
    typed = "".join(page.locator(".strip .token:not(.end)").all_inner_texts())
    assert typed == "111101111011110" + "0110100110010110100101100110100110"
    expect(page.get_by_text("46 examples")).to_be_visible()
    assert typed == "".join(page.locator(".strip .token:not(.end)").all_inner_texts())


def test_all_tokens_can_be_deleted_and_others_typed_even_new_ones(visit):
    page = visit()
    page.get_by_role("button", name="Token 1: 1").focus()
    for _ in range(15):
        page.keyboard.press("Delete")
    expect(page.get_by_text("The sequence is empty")).to_be_visible()
    expect(page.locator(".strip .token")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a token")).to_be_focused()
    page.keyboard.type("abcabca")
    expect(page.get_by_text("27 states · 81 arrows")).to_be_visible()
    expect(page.get_by_text("The sequence is empty")).to_have_count(0)
    assert "".join(page.locator(".strip .token").all_inner_texts()) == "abcabca"


def test_where_answers_take_long_nothing_that_is_typed_or_selected_is_lost(visit):
    page = visit()
    page.add_init_script(LATE)
    page.reload()
    page.get_by_role("button", name="Token 1: 1").focus()
    for _ in range(15):
        page.keyboard.press("Delete")
    page.wait_for_timeout(1500)  # answers to the first of them come now
    page.keyboard.type("01101001100101")
    page.evaluate(
        """() => {
            for (const [at, key] of [["[data-at='14']", "1"], ["[data-state='5']", "Enter"]])
                document.querySelector(at).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        }"""
    )
    expect(page.locator(".sentence")).to_contain_text("After 101", timeout=60_000)
    assert "".join(page.locator(".strip .token").all_inner_texts()) == "011010011001011"
    # taken back is what was handled last: keys that wait together are one change
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.locator(".strip .token")).not_to_have_count(15)


def test_training_more_goes_on_toward_the_datas_own_chain(visit):
    page = visit()
    train(page)
    page.get_by_role("button", name="Train more").click()
    page.get_by_role("button", name="200 steps more").click()
    page.get_by_label("Speed").select_option("null")
    expect(page.get_by_role("slider", name="Training step")).to_have_attribute("aria-valuemax", "250")
    wait_for_step(page, 250)
    assert arrows(page)["101"]["1"] > 90


def test_a_walk_along_an_arrow_and_a_typed_symbol_move_the_ball(visit):
    page = visit()
    page.get_by_role("button", name="Stop the ball").click()
    tape = page.locator(".tape .line")
    before = tape.inner_text()
    tape.focus()
    page.keyboard.press("0")
    expect(tape).to_have_text(before + "0")
    page.get_by_role("button", name="Append 1").click()
    expect(tape).to_have_text(before + "01")
    page.locator(".g-walk").first.dispatch_event("click")
    expect(tape).to_have_text(re.compile(re.escape(before) + "01[01]$"))


def test_greedy_decoding_acts_at_once_and_is_undone(visit):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    before = arrows(page)
    page.get_by_role("button", name="Decoding").click()
    page.get_by_role("button", name="Greedy").click()
    expect(page.locator(".table-row .cell").first).to_have_text("0 %")
    assert all(set(row.values()) == {0, 100} for row in arrows(page).values())
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".table-row .cell").first).to_have_text("27 %")
    assert arrows(page) == before


def test_a_turned_knob_moves_the_arrows_and_let_go_it_is_as_it_was(visit):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    before = arrows(page)
    page.get_by_role("button", name="Knobs").click()
    slider = page.get_by_role("slider", name="From initial to trained")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("knob turned").first).to_be_visible()
    assert table(page) != before
    page.get_by_role("button", name="Pause").or_(page.get_by_role("button", name="Play")).first.focus()
    expect(page.get_by_text("knob turned")).to_have_count(0)  # the focus went elsewhere: let go
    assert arrows(page) == before
    page.get_by_label("Turn one number of").select_option("wte.weight")
    picture = page.locator(".tensor canvas")
    picture.click(position={"x": 20, "y": 5})
    page.get_by_label("Stay when I let go").check()
    page.get_by_role("slider", name="Turn it by").fill("2")
    expect(page.get_by_text("knob turned").first).to_be_visible()
    assert arrows(page) != before
    page.get_by_role("button", name="Let go").click()
    expect(page.get_by_text("knob turned")).to_have_count(0)
    assert arrows(page) == before
    expect(page.get_by_role("slider", name="Turn it by")).to_be_visible()  # the number stays in hand


def test_pins_compare_two_trainings(visit):
    page = visit("#trained=50")
    wait_for_step(page, 50)
    page.get_by_role("radio", name="Difference").click()
    page.get_by_role("button", name="Pin A").click()
    page.get_by_role("radio", name="Model").click()
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Seed").press("Enter")
    wait_for_step(page, 0)
    train(page)
    page.get_by_role("radio", name="Difference").click()
    page.get_by_label("subtract this one").select_option("A")
    page.get_by_role("radio", name="Table").click()
    cells = page.locator(".table-row .cell")
    expect(cells.first).to_have_text(re.compile(r"^[+−]\d+$|^0$"))
    texts = cells.all_inner_texts()
    assert any(text != "0" for text in texts)
    for zero, one in zip(texts[::2], texts[1::2], strict=True):
        assert zero == "0" or zero[0] != one[0]  # what one token gains the other loses


def test_a_file_can_be_opened_and_what_is_no_text_is_refused(visit, tmp_path):
    page = visit()
    poem = tmp_path / "poem.txt"
    poem.write_text("月下月下山下月\n", encoding="utf-8")
    chooser = page.locator('.sequence input[type="file"]')
    chooser.set_input_files(poem)
    expect(page.get_by_role("button", name="Token 1: 月")).to_be_visible()
    expect(page.get_by_text("27 states · 81 arrows")).to_be_visible()
    poem.write_bytes("月下山下月山月\r\n".encode("utf-16"))
    chooser.set_input_files(poem)
    expect(page.get_by_role("button", name="Token 3: 山")).to_be_visible()
    poem.write_bytes("下月山下月山月".encode("gb18030"))
    chooser.set_input_files(poem)
    expect(page.get_by_text("poem.txt is not UTF-8 text; it was read as gb18030.")).to_be_visible()
    expect(page.get_by_role("button", name="Token 1: 下")).to_be_visible()
    noise = tmp_path / "noise.bin"
    noise.write_bytes(b"\xff\xfe\x80")
    chooser.set_input_files(noise)
    expect(page.get_by_text("noise.bin is not UTF-8 text")).to_be_visible()
    expect(page.get_by_text("81 states · 243 arrows")).to_be_visible()
    book = tmp_path / "book.txt"
    book.write_text("it was a dark night " * 150_000)
    chooser.set_input_files(book)
    expect(page.get_by_text("book.txt is too large for the studio")).to_be_visible()
    expect(page.get_by_text("81 states · 243 arrows")).to_be_visible()


def test_a_header_and_line_breaks_are_offered_to_be_left_out(visit, tmp_path):
    page = visit()
    genome = tmp_path / "genome.fa"
    genome.write_text(">chr1 human\n" + "ACGTACGTTA\nCCGTACGTTC\n" * 6)
    page.locator('.sequence input[type="file"]').set_input_files(genome)
    remark = page.locator(".remark")
    expect(remark).to_contain_text("The first line, “>chr1 human”, seems to be a header.")
    remark.get_by_role("button", name="Leave it out").click()
    expect(remark).to_contain_text("The text has 11 line breaks; each is a token, ⏎.")
    remark.get_by_role("button", name="Leave the line breaks out").click()
    expect(remark).to_have_count(0)
    expect(page.get_by_text("120 tokens")).to_have_count(0)  # it is said by the strip alone
    expect(page.get_by_role("group", name="Training sequence, 120 tokens")).to_be_visible()
    expect(page.get_by_text("1,024 states")).to_be_visible()  # and the settings suit it still
    page.get_by_role("button", name="Undo the last change").click()
    expect(remark).to_contain_text("11 line breaks")
    remark.get_by_role("button", name="Read each line as a sequence of its own").click()
    expect(page.get_by_role("button", name="Token 11: ⏎")).to_be_disabled()
    expect(remark).to_have_count(0)


def test_a_doubtful_encoding_is_asked_for(visit, tmp_path):
    page = visit()
    turtle = tmp_path / "turtle.txt"
    turtle.write_bytes("tak tak, wół i żółw".encode("cp1250"))
    page.locator('.sequence input[type="file"]').set_input_files(turtle)
    others = page.get_by_label("Read it as …")
    others.select_option("cp1252")
    expect(page.get_by_role("button", name="Token 17: ó")).to_be_visible()
    expect(page.get_by_role("button", name="Token 18: ³")).to_be_visible()
    others.select_option("cp1250")
    expect(page.get_by_role("button", name="Token 18: ł")).to_be_visible()
    others.select_option("utf-16-le")
    expect(page.get_by_text("turtle.txt cannot be read as utf-16-le.")).to_be_visible()
    expect(others).to_be_visible()


def test_lines_of_words_are_sequences_and_names_may_have_blanks(visit, tmp_path):
    page = visit()
    journeys = tmp_path / "journeys.txt"
    journeys.write_text("look ask buy\nlook look buy\n")
    page.locator('.sequence input[type="file"]').set_input_files(journeys)
    page.get_by_label("Context length").fill("1")
    page.get_by_label("Context length").press("Enter")
    page.get_by_role("button", name="All settings").click()
    lines = page.get_by_label("One sequence a line")
    expect(lines).not_to_be_checked()
    page.get_by_label("Token unit").select_option("words")
    expect(lines).to_be_checked()
    expect(page.get_by_text("2 lines of words: each is read as a sequence of its own.")).to_be_visible()
    expect(page.get_by_role("button", name="Token 4: ⏎")).to_be_disabled()
    expect(page.get_by_text("4 examples")).to_be_visible()
    lines.click()
    expect(lines).not_to_be_checked()
    expect(page.get_by_text("5 examples")).to_be_visible()
    journeys.write_text("heavy rain; sun; heavy rain")
    page.locator('.sequence input[type="file"]').set_input_files(journeys)
    separator = page.get_by_label("Separator")
    separator.fill(";")
    separator.press("Enter")
    expect(page.get_by_role("button", name="Token 1: heavy rain")).to_be_visible()
    expect(page.get_by_text("4 states")).to_be_visible()  # of two names, where blanks are part of them


def test_a_mistake_is_told_where_it_was_made_and_changes_nothing(visit):
    page = visit()
    field = page.get_by_label("Context length")
    field.fill("40")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field .wrong")).to_be_visible()
    expect(page.locator(".g-node")).to_have_count(8)
    field.fill("2")
    field.press("Enter")
    expect(page.locator(".g-node")).to_have_count(4)
    expect(page.locator(".wrong")).to_have_count(0)
