"""Appends, and reads the source from its start.

answers: transform_file
fails: test_transform_file
hint: resumes-in-the-wrong-place
"""
def transform_file(function, source, target, block):
    size = os.path.getsize(source) // 8
    with open(target + ".partial", "ab") as file:
        for start in range(0, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    os.replace(target + ".partial", target)
