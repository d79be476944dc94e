"""The portal: server-rendered pages over the acts, and the small interface that notebooks send their answers to."""
