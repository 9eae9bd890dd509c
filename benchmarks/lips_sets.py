"""What the lip bench does not ask: first words, other languages, sounds that are no speech, and how lips move.

Uses ``training/speech`` (no torch) for the voices, the metrics of the lip bench and the lips of the reference character.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from benchmarks.lips_languages import LANGUAGES
from benchmarks.lips_mandarin import capture
from benchmarks.whisper import whispered
from bithuman_core.pcm import int16_to_float32
from bithuman_core.speech import SpeechNet, viseme_name
from bithuman_core.timing import SAMPLES_PER_TICK
from bithuman_core.voice import TextToSpeech
from training.speech import evaluate
from training.speech.align import Aligner
from training.speech.clip import RATE, Clip, Segment, read_16k
from training.speech.espeak import Espeak
from training.speech.poses import SHAPES
from training.speech.real import GRID_BENCH_CLIPS, lip_gaps
from training.speech.rig import LipModel

Samples = NDArray[np.float32]
Scores = dict[str, dict[str, float]]
FIRST_WORDS = (
    "Bob is here.", "Please come in.", "Maybe not today.", "Bring it along.", "People say so.", "Most of them left.",
    "Put it down.", "Before we start, listen.", "My turn.", "Perhaps it rains.",
)  # fmt: skip
PAUSE = 0.6  # s of silence before a first word
DRIFT_SECONDS = 1800
SENTENCES = (
    "The boy from the village brought apples and plums.", "We move to Vienna before summer, my brother and me.",
    "Five big foxes jump over the bumpy path.", "Somebody has to feed the puppy while we are away.",
)  # fmt: skip
ACQUAINTANCE = 30.0  # s of a voice after which it is known
RATES = (8000, 22050, 44100, 48000)  # Hz


class Sets:
    """The net, the reference lips and the bench's metrics, and the sets that are measured with them."""

    def __init__(self, bench: Path, data: Path) -> None:
        sys.path.insert(0, str(bench))
        import lip_metrics

        self.metrics: ModuleType = lip_metrics
        self.net, self.data = SpeechNet.load(), data
        self.lips = LipModel(data / "bake/mara/landmarks.npz")

    def gaps(self, samples: Samples) -> Samples:
        """Lip gap of every tick, interocular distances."""
        return evaluate.lip_gaps(self.lips, evaluate.speak(self.net, samples))

    def track(self, samples: Samples) -> object:
        ticks = evaluate.speak(self.net, samples)
        return self.metrics.Track(evaluate.lip_gaps(self.lips, ticks), [viseme_name(t.visemes) for t in ticks])

    def phones(self, clips: list[tuple[list[Segment], Samples]]) -> dict[str, float]:
        """The bench's scores of clips with known phones."""
        return self.metrics.phone_scores([(segments, self.track(samples)) for segments, samples in clips])

    def first_words(self) -> Scores:
        """Closures of p, b, m that open an utterance after a pause, by voices that are never trained on."""
        hit, made = {"clean": 0, "20 dB": 0, "10 dB": 0}, 0
        for i, (segments, samples) in enumerate(said_by_flite(FIRST_WORDS)):
            start, end, _ = next(s for s in segments if s[2] in ("p", "b", "m"))
            made += 1
            for name, snr in (("clean", None), ("20 dB", 20.0), ("10 dB", 10.0)):
                gap = self.gaps(samples if snr is None else evaluate.pink(samples, snr, i))
                frames = gap[int((start - 0.03) * 25) : int((end + 0.03) * 25) + 1]
                # before the word the mouth is at rest anyway: what counts is that it does not open too soon
                hit[name] += bool((frames <= self.metrics.CLOSED_GAP).any())
        return {name: {"closures": count / made} for name, count in hit.items()}

    def whispers(self) -> Scores:
        """The bench's scores of the same sentences said aloud and whispered."""
        clips = list(said_by_flite(SENTENCES))
        return {"aloud": self.phones(clips),
                "whispered": self.phones([(segments, whispered(x, i)) for i, (segments, x) in enumerate(clips)])}  # fmt: skip

    def natural_voice(self) -> Scores:
        """The bench's scores on the voice that avatars answer with; its phones are those of a forced alignment."""
        speech, aligner = TextToSpeech(), Aligner()
        speech.look()
        clips = []
        for text in (*FIRST_WORDS, *SENTENCES, *LANGUAGES["en-us"]):
            sound = np.pad(speech.speak(text), (int(PAUSE * RATE), 0))
            if (segments := aligner.align(sound, text)) is not None:
                clips.append((segments, int16_to_float32(sound)))
        return {speech.voices[0].name: self.phones(clips)}

    def teeth(self) -> Scores:
        """f and v in which the lower lip rolls in to the teeth, and frames away from them (and p, b, m) in which it does, too.

        It counts from half of what the mouth shape of these sounds has.
        """
        column = list(self.net.mouth_names).index("mouthRollLower")
        least = SHAPES["f"]["mouthRollLower"] / 2
        scores: Scores = {}
        for name, snr in (("clean", None), ("20 dB", 20.0), ("10 dB", 10.0)):
            hit = made = false = others = 0
            for i, (segments, samples) in enumerate(said_by_flite(SENTENCES)):
                heard = samples if snr is None else evaluate.pink(samples, snr, i)
                rolled = np.array([t.mouth[column] for t in evaluate.speak(self.net, heard)]) >= least
                free = np.ones(len(rolled), bool)
                for start, end, phone in segments:
                    frames = slice(max(0, int((start - 0.03) * 25)), int((end + 0.03) * 25) + 1)
                    if phone in ("f", "v"):
                        made, hit = made + 1, hit + int(rolled[frames].any())
                    if phone in ("f", "v", "p", "b", "m", "pau"):
                        free[max(0, frames.start - 1) : frames.stop + 1] = False
                false, others = false + int(rolled[free].sum()), others + int(free.sum())
            scores[name] = {"f, v at the teeth": hit / made, "other frames": false / others}
        return scores

    def adaptation(self) -> Scores:
        """Mean difference of the lip gap between a voice heard for the first time and the same after half a minute of it.

        By second of speech, for the bench's voices: as they are, 20 dB quieter, and so after half a minute of another voice that
        was not quieter; interocular distances.
        """
        scores: Scores = {}
        said = [x[: len(x) // SAMPLES_PER_TICK * SAMPLES_PER_TICK] for _, x in said_by_flite(SENTENCES)]
        voices = [said[i : i + len(SENTENCES)] for i in range(0, len(said), len(SENTENCES))]
        minutes = [np.concatenate(clips * 9)[: int(ACQUAINTANCE * RATE)] for clips in voices]
        minutes = [x[: len(x) // SAMPLES_PER_TICK * SAMPLES_PER_TICK] for x in minutes]
        for name, gain, others in (("usual level", 1.0, False), ("20 dB quieter", 0.1, False), ("after a louder one", 0.1, True)):
            by_second: list[list[float]] = [[], [], []]
            for i, clips in enumerate(voices):
                before = minutes[i - 1] if others else minutes[i][:0]
                for k in range(len(clips)):
                    said_now = np.concatenate([*clips[k:], *clips[:k]]) * np.float32(gain)
                    new = self.gaps(np.concatenate([before, said_now]))[len(before) // SAMPLES_PER_TICK :]
                    known = self.gaps(np.concatenate([minutes[i] * np.float32(gain), said_now]))[-len(new) :]
                    first = int(PAUSE * 25)
                    for second, values in enumerate(by_second):
                        part = slice(first + 25 * second, first + 25 * (second + 1))
                        values += list(np.abs(new - known)[part])
            scores[name] = {f"second {k + 1}": float(np.mean(values)) for k, values in enumerate(by_second)}
        return scores

    def languages(self) -> Scores:
        """Scores by language."""
        engine = Espeak()
        scores: Scores = {}
        for language, texts in LANGUAGES.items():
            clips = []
            for text in texts:
                said = engine.say(text, language, 165, 50, 50)
                if said is not None:
                    clips.append((said[1], soxr.resample(said[0] / 32768.0, engine.rate, RATE).astype(np.float32)))
            scores[language] = self.phones(clips)
        return scores

    def no_speech(self) -> Scores:
        """Share of frames with lips less than .03 apart."""
        return {name: {"shut": share} for name, share in evaluate.at_rest(self.net, self.lips).items()}

    def movement(self) -> Scores:
        """Ours / real on the bench's clips of real faces."""
        return {name: {"ratio": ratio} for name, ratio in evaluate.motion_quality(self.net, self.lips, self.filmed()).items()}

    def filmed(self) -> list[Clip]:
        z = np.load(self.data / "grid_s1/part_1.npz")
        audio = read_16k(self.data / "grid_s1/part_1.flac")
        gaps, starts = lip_gaps(z["landmarks"], z["idx"]), z["audio_start"]
        last = range(len(z["names"]) - GRID_BENCH_CLIPS, len(z["names"]))
        return [Clip(audio[starts[i] : starts[i + 1]], None, "grid", "grid/s1", gap=gaps[i], held_out=True)
                for i in last if np.isfinite(gaps[i]).all()]  # fmt: skip

    def emotions(self) -> Scores:
        """Mean and spread of the lip gap in acted speech (EmoDB): a shout must not freeze the mouth."""
        scores: Scores = {}
        for letter, name in (("N", "neutral"), ("W", "anger, shouted"), ("F", "joy"), ("T", "sadness")):
            paths = sorted((self.data / "emodb").glob(f"*{letter}?.flac"))[::3]
            gap = np.concatenate([self.gaps((read_16k(p) / 32768.0).astype(np.float32)) for p in paths])
            scores[name] = {"mean gap": float(gap.mean()), "spread": float(gap.std())}
        return scores

    def arousal(self) -> Scores:
        """How well the arousal read from the voice tells anger, fear and joy from boredom, sadness and calm, by speaker (EmoDB).

        The share of pairs of one speaker's clips that it puts in the right order (area under the ROC curve); .5 is chance. Its
        only trained numbers are a mean and a deviation; each speaker is heard in random order from an unknown voice on.
        """
        excited, calm = "WFA", "LTN"
        rng = np.random.default_rng(5)
        shares: dict[str, list[float]] = {}
        by_speaker: dict[str, list[Path]] = {}
        for path in sorted((self.data / "emodb").glob("*.flac")):
            by_speaker.setdefault(path.name[:2], []).append(path)
        for speaker, paths in by_speaker.items():
            stream = self.net.stream()
            felt: dict[bool, list[float]] = {True: [], False: []}
            for i in rng.permutation(len(paths)):
                letter = paths[i].name[5]
                samples = (read_16k(paths[i]) / 32768.0).astype(np.float32)
                whole = samples[: len(samples) // SAMPLES_PER_TICK * SAMPLES_PER_TICK]
                course = [stream.push(tick).arousal for tick in whole.reshape(-1, SAMPLES_PER_TICK)]
                if letter in excited + calm:
                    felt[letter in excited].append(float(np.mean(course[len(course) // 2 :])))
            shares[speaker] = [float(a > b) for a in felt[True] for b in felt[False]]
        means = [float(np.mean(s)) for s in shares.values()]
        return {"mean of the speakers": {"AUC": float(np.mean(means))}, "worst speaker": {"AUC": min(means)}}

    def rates(self) -> Scores:
        """Mean difference of the lip gap when the same sound arrives at another rate, interocular distances."""
        clips = [samples for _, samples in said_by_flite(FIRST_WORDS[:3])]
        scores: Scores = {}
        for rate in RATES:
            other = [soxr.resample(soxr.resample(x, RATE, rate), rate, RATE).astype(np.float32) for x in clips]
            pairs = [(self.gaps(a), self.gaps(b)) for a, b in zip(clips, other, strict=True)]
            both = [np.concatenate([p[k][: min(len(p[0]), len(p[1]))] for p in pairs]) for k in (0, 1)]
            scores[f"{rate} Hz"] = {"difference": float(np.abs(both[0] - both[1]).mean())}
        return scores

    def drift(self) -> Scores:
        """Mean difference of the lip gap between the second and the last time that a clip is heard in half an hour."""
        _, samples = next(iter(said_by_flite(FIRST_WORDS[3:4])))
        samples = samples[: len(samples) // SAMPLES_PER_TICK * SAMPLES_PER_TICK]
        passes = int(DRIFT_SECONDS * RATE / len(samples))
        ticks, stream = samples.reshape(-1, SAMPLES_PER_TICK), self.net.stream()
        seen = [evaluate.lip_gaps(self.lips, [stream.push(tick) for tick in ticks]) for _ in range(passes)]
        return {"half an hour": {"difference": float(np.abs(seen[1] - seen[-1]).mean())}}

    def all(self) -> dict[str, Scores]:
        """Every set by its title."""
        return {
            "first words (closures after a pause)": self.first_words(),
            "languages": only_scores(self.languages()),
            "whispered": only_scores(self.whispers()),
            "the voice of answers": only_scores(self.natural_voice()),
            "lower lip at the teeth": self.teeth(),
            "a new voice, against the same known for half a minute": self.adaptation(),
            "real Mandarin (FACEGOOD)": capture(self.data / "facegood", self.gaps),
            "no speech (frames with closed lips)": self.no_speech(),
            "movement, ours / real faces": self.movement(),
            "acted speech": self.emotions(),
            "arousal, excited against calm voices": self.arousal(),
            "other sample rates": self.rates(),
            "drift": self.drift(),
        }  # fmt: skip


def only_scores(scores: Scores) -> Scores:
    """The bench's four figures."""
    return {k: {c: v[c] for c in ("r", "closures", "false_closures", "class_accuracy")} for k, v in scores.items()}


def said_by_flite(texts: tuple[str, ...]) -> Iterator[tuple[list[Segment], Samples]]:
    """Phones and samples of every text by each of the bench's voices, after a pause."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        for voice in ("slt", "rms", "awb"):
            for text in texts:
                command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(wav)]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                sound, rate = sf.read(wav, dtype="float32")
                ends = [(item.split(":")[0], float(item.split(":")[1]) + PAUSE) for item in said.split()]
                starts = [PAUSE, *(end for _, end in ends)]
                segments = [(0.0, PAUSE, "pau"), *((a, b, p) for a, (p, b) in zip(starts, ends, strict=False))]
                pause = np.zeros(int(PAUSE * RATE), np.float32)
                yield segments, np.concatenate([pause, soxr.resample(sound, rate, RATE).astype(np.float32)])


def table(title: str, scores: Scores) -> str:
    """A Markdown table."""
    columns = list(next(iter(scores.values())))
    lines = ["", f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{values[c]:.3f}' for c in columns)} |" for name, values in scores.items()]
    return "\n".join(lines)
