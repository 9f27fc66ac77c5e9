"""Static polygons: covered on every frame, or left out of the search."""

from __future__ import annotations

from blurcam.detect.detector import Answered, Detection, Unanswered
from blurcam.media.masks import rasterise
from blurcam.media.regions import Box, Coverage, Reason
from blurcam.track.zones import burn_in, ignore, zone
from tests.support.makers import grey_frame

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def test_a_zone_is_burnt_into_every_frame() -> None:
    covered = [(grey_frame(n, n), Coverage(n, ())) for n in range(3)]
    for _, coverage in burn_in(covered, [SQUARE]):
        mask = rasterise(coverage.regions, 200, 200)
        assert mask[50:150, 50:150].all()
        assert not mask[:49].any()


def test_zones_come_on_top_of_a_whole_cover() -> None:
    whole = Coverage.whole(0, Reason.CORRUPT, 200, 200)
    ((_, coverage),) = burn_in([(grey_frame(0, 0), whole)], [SQUARE])
    assert coverage.reason is Reason.CORRUPT


def test_detections_centred_in_an_ignored_polygon_are_left_out() -> None:
    inside, outside = Detection(Box(90, 90, 110, 110), 0.9), Detection(Box(0, 0, 20, 20), 0.9)
    crossing = Detection(Box(30, 90, 60, 110), 0.9)  # its centre is outside
    scanned = [(grey_frame(0, 0), Answered((inside, outside, crossing)))]
    ((_, finding),) = ignore(scanned, [SQUARE])
    assert finding == Answered((outside, crossing))


def test_an_unanswered_frame_stays_unanswered_under_ignored_polygons() -> None:
    scanned = [(grey_frame(0, 0), Unanswered(Reason.DETECTOR_FAILED))]
    assert list(ignore(scanned, [SQUARE])) == scanned


def test_a_zone_at_the_edge_reaches_the_last_row_and_column() -> None:
    region = zone(((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)), 31, 23)
    mask = rasterise([region], 31, 23)
    assert mask[22, 30] == 1
