"""Keeps the results until all are there.

answers: transform_file
fails: test_transform_file
hint: whole-file-in-memory
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    size = os.path.getsize(source) // 8
    done = []
    for start in range(0, size, block):
        done.append(function(np.fromfile(source, count=block, offset=8 * start)))
    with open(partial, "wb") as file:
        for numbers in done:
            file.write(numbers.tobytes())
    os.replace(partial, target)
