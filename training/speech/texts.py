"""What the synthetic voices say: everyday sentences, and chains of dictionary words that cover every sound."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pocketsphinx

from training.speech.clip import HELD_OUT_SPEAKERS

# Our own lines, rich in lip contacts and in the ways people talk to an assistant. (None of them is in the bench.)
EVERYDAY = """
Hello, it is lovely to meet you. My name is Mara, and I would be happy to help.
Could you open the window a bit? The room is too warm for me.
Maybe we should move the meeting to Monday morning instead.
I bought five apples, four pears and a pineapple from the market.
Wait a moment, please. I am looking up your booking number.
Never mind. Both of us forgot about the umbrella anyway.
What a beautiful view! You can see the river from up here.
The bus leaves at a quarter past seven, from platform number nine.
Pumpkin pie, blueberry muffins, and a pot of peppermint tea.
If you feel sick, drink plenty of water and stay in bed.
Everybody in the village knew the old fisherman by his laugh.
My phone fell off the table, but it never broke.
Thank you very much for waiting. Somebody will be with you shortly.
She wore a purple jumper, a velvet hat, and big rubber boots.
Above the clouds the moon was full and the valley was quiet.
Have you ever heard of a purple whale? Me neither.
We will probably arrive before the film begins.
The weather forecast promises fog, wind, and heavy rain by Wednesday.
I would love a cup of coffee, with milk but without sugar.
Yes. No. Maybe. I am not sure about that. Why not?
Put the empty box back on top of the cupboard, will you?
People love simple problems because simple problems vanish.
He whispered something funny to his brother and they both burst out laughing.
The museum of modern art opens at half past ten.
Few of us voted for the proposal, and fewer still believed in it.
Remember to breathe, relax your shoulders, and move slowly.
One, two, three, four, five, six, seven, eight, nine, ten.
Would you prefer a window seat or an aisle seat for the flight?
Poor Bob bumped his thumb while mending the broken lamp.
Good evening, and welcome to our programme. Here is the news.
Oh wow, that is so cool! How did you do it?
This system turns your voice into the motion of a face.
""".strip().splitlines()


@cache
def dictionary_words() -> tuple[str, ...]:
    """The words of pocketsphinx's CMU dictionary, 2 to 12 letters long."""
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    words = (line.split(" ", 1)[0] for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(w for w in words if w.isalpha() and 2 <= len(w) <= 12)


def transcripts(data: Path) -> list[str]:
    """The sentences of LibriSpeech test-other (its held-out speakers left out) and LJ Speech, at most 16 words a piece."""
    read = [s.split(" ", 1) for s in (data / "librispeech/test-other/transcripts.txt").read_text().splitlines()]
    lines = [text for name, text in read if name.split("-")[0] not in HELD_OUT_SPEAKERS]
    lines += [s.split("|")[2] for s in (data / "ljspeech/metadata.csv").read_text().splitlines()]
    pieces = []
    for line in lines:
        words = line.split()
        pieces += [" ".join(words[i : i + 16]) for i in range(0, len(words), 16)]
    return pieces


def sentences(data: Path, rng: random.Random, count: int) -> list[str]:
    """``count`` texts: a third everyday, a third read prose, a third chains of dictionary words with pauses."""
    prose, words = transcripts(data), dictionary_words()
    made = []
    for _ in range(count):
        kind = rng.randrange(3)
        if kind == 0:
            made.append(" ".join(rng.sample(EVERYDAY, 2)))
        elif kind == 1:
            made.append(rng.choice(prose))
        else:
            chain = rng.sample(words, rng.randint(5, 10))
            made.append(" ".join(w + rng.choice(("", "", "", "", ",", ".")) for w in chain))
    return made
