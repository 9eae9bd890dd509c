"""The one door for foreign bytes: sound, clips, pictures and avatars are opened here and nowhere else.

``media``, ``pictures`` and ``tensors`` open a file by its content, in formats that are known, and nothing besides it. What
somebody else sent is read in a process of its own (``pool``), which is ended when it takes too much time or memory.
"""
