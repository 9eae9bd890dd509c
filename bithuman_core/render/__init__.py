"""Face state in, BGR picture out: raster kernels, the portrait rig, compositing."""
