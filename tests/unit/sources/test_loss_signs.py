"""What a live stream loses, and until when nothing is trusted."""

from __future__ import annotations

from blurcam.sources.loss_signs import LossState, packets_missed, tells_damage


def test_from_a_loss_to_the_next_key_frame_that_came_whole_nothing_is_trusted() -> None:
    # Packets: 1 key, 2 to 4, loss seen while 4 is read, 5 is a key frame that may be cut at its
    # start, 9 one that came whole.
    suspicion, judged = LossState(), []
    for n in range(1, 12):
        assert suspicion.packet() == n
        if n == 4:
            suspicion.sign()
        judged.append(suspicion.judge(n, is_key=n in (1, 5, 9)))
    assert judged == [False] * 3 + [True] * 5 + [False] * 3


def test_a_loss_within_the_saving_key_frame_is_a_loss() -> None:
    suspicion = LossState()
    for n in range(1, 6):
        suspicion.packet()
        if n in (2, 5):
            suspicion.sign()
        is_suspect = suspicion.judge(n, is_key=n == 5)
    assert is_suspect


def test_ffmpeg_s_words_for_a_loss_are_known() -> None:
    assert packets_missed("RTP: missed 12 packets") == 12
    assert packets_missed("Continuity check failed for pid 256 expected 3 got 5") == 1
    assert packets_missed("max delay reached. need to consume packet") == 0
    assert tells_damage("error while decoding MB 12 3, bytestream -5")
