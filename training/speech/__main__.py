"""Data -> training -> export -> figures: ``python -m training.speech``. Stopped and started again, it goes on."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from bithuman_core.speech import SpeechNet
from training.speech import corpora, evaluate
from training.speech.export import export
from training.speech.restore import mix
from training.speech.rig import LipModel
from training.speech.train import SETTLING, filters, train

ROOT = Path(__file__).parents[2]
CARD_START, CARD_END = "<!-- figures -->\n", "\n<!-- end of figures -->"


def main() -> None:
    args = argparse.ArgumentParser(prog="python -m training.speech", description=__doc__)
    args.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder of the corpora")
    args.add_argument("--bench", type=Path, default=ROOT / "../shared/tools/lip_bench", help="folder of lip_metrics.py")
    args.add_argument("--cache", type=Path, default=ROOT / ".cache/speech", help="aligned clips and the unfinished net")
    args.add_argument("--out", type=Path, default=ROOT / "models/speech.onnx")
    args.add_argument("--steps", type=int, default=5000, help="batches of 32 x 6.4 s")
    args.add_argument("--settling", type=int, default=SETTLING, help="more batches, in which memories are carried on")
    args.add_argument("--start", type=Path, help="an exported net to begin with: --steps 0 fine-tunes it")
    args.add_argument("--keep", type=float, default=0.5, help="share of the weights of --start that the result keeps")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--workers", type=int, default=1, help="processes that prepare examples; 0: none")
    opt = args.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    clips = corpora.load(opt.data, opt.cache)
    lips = LipModel(opt.data / "bake/mara/landmarks.npz")
    model = train(clips, lips, opt.cache / "net.pt", opt.steps, opt.settling, opt.seed, opt.workers, opt.start)
    if opt.start:
        mix(model, opt.start, opt.keep)
    export(model, filters(), opt.out)
    net = SpeechNet.load(opt.out)
    scores = evaluate.held_out(net, lips, clips, opt.bench)
    figures = evaluate.table(scores, evaluate.at_rest(net, lips), evaluate.motion_quality(net, lips, clips))
    print(figures)
    card = opt.out.with_suffix(".md")
    if card.exists():
        text = card.read_text()
        head, tail = text.split(CARD_START)[0], text.split(CARD_END)[-1]
        card.write_text(head + CARD_START + figures + CARD_END + tail)


if __name__ == "__main__":
    main()
