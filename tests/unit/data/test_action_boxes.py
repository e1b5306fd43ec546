from pipelines.data.action_boxes import ActionBox


def test_boxes_sort_by_video_and_time():
    box = ActionBox("b", 902, 2.0, 0.1, 0.1, 0.5, 0.9, "stand", True, 1)
    later, other = box._replace(timestamp=903, at_seconds=3.0), box._replace(video_id="a")

    assert sorted([later, box, other]) == [other, box, later]
