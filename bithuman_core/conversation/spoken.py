"""What of an answer was heard before it was cut off, by the samples that were played."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SpokenSentences:
    """Sentences in the order of their sound. ``ends``: the sample at which each one's sound ends."""

    sentences: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, sentence: str, end: int) -> None:
        """The next sentence, whose sound ends at this sample."""
        self.sentences.append(sentence)
        self.ends.append(end)

    def heard(self, samples: int) -> str:
        """The words that so many samples held: whole sentences, and of the last one words by its share (rounded down)."""
        words, begin = list[str](), 0
        for sentence, end in zip(self.sentences, self.ends, strict=True):
            if samples >= end:
                words.append(sentence)
            elif samples > begin:
                all_words = sentence.split()
                words += all_words[: len(all_words) * (samples - begin) // (end - begin)]
            begin = end
        return " ".join(words)

    def left(self, samples: int) -> tuple[str, int]:
        """What was to follow after so many samples: the sentences from the one under way on, and how many of its samples were
        played."""
        for number, end in enumerate(self.ends):
            if samples < end:
                begin = self.ends[number - 1] if number else 0
                return " ".join(self.sentences[number:]).strip(), samples - begin
        return "", 0
