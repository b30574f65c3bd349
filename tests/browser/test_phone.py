"""Every page of the book on a phone, dark and light. (In a file of its own, so that another worker can take it.)"""


def test_nothing_is_wrong_with_any_page(faults):
    found = faults(["dark", "light"], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert not found, "\n".join(found)
