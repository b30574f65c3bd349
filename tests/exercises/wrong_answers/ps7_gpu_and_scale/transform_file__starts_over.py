"""Opens the partial file anew.

answers: transform_file
fails: test_transform_file
hint: starts-over
"""
def transform_file(function, source, target, block):
    size = os.path.getsize(source) // 8
    with open(target + ".partial", "wb") as file:
        for start in range(0, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    os.replace(target + ".partial", target)
