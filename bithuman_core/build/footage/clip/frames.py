"""The frames of a clip, kept small: 20 seconds of them as they are would be 400 MiB and more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.intake.pictures import open_picture

QUALITY = 98  # JPEG with whole colours: 50 dB from the frame; the film that is made of them is some 42
THUMB = 32  # px
KEPT = 16  # frames that stay decoded: neighbours are asked for again and again


class Frames:
    """n frames uint8 [h, w, 3] RGB, read by their number, as an array of them is."""

    def __init__(self, pictures: Iterable[Array]) -> None:
        """Keep these, one or more of one size."""
        self._coded: list[bytes] = []
        self._decoded: OrderedDict[int, Array] = OrderedDict()
        thumbs: list[Array] = []
        height = width = 0
        for picture in pictures:
            height, width = picture.shape[:2]
            coded, image = BytesIO(), Image.fromarray(picture)
            image.save(coded, "JPEG", quality=QUALITY, subsampling=0)
            thumbs.append(np.asarray(image.resize((THUMB, THUMB), Image.Resampling.BOX), np.float32).ravel())
            self._coded.append(coded.getvalue())
        self._pixels = width * height
        self.shape = (len(self), height, width, 3)
        self.thumbs = np.array(thumbs, np.float32)
        """[n, k] what they look like when they are made tiny, 0..255."""

    def __len__(self) -> int:
        return len(self._coded)

    def __getitem__(self, number: int) -> Array:
        """Frame ``number``; it is not to be written to."""
        number = int(number)
        if number in self._decoded:
            self._decoded.move_to_end(number)
        else:
            picture = np.asarray(open_picture(self._coded[number], ("JPEG",), self._pixels))
            self._decoded[number] = picture
            if len(self._decoded) > KEPT:
                self._decoded.popitem(last=False)
        return self._decoded[number]

    def __iter__(self) -> Iterator[Array]:
        return (self[k] for k in range(len(self)))
