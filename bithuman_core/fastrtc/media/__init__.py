"""Codecs and buffers between WebRTC and a session: VP8, Opus, jitter buffer, lip-sync delay, the queues to the network."""
