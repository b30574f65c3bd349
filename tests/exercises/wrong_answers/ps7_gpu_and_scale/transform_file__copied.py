"""Copies, and does not rename.

answers: transform_file
fails: test_transform_file
hint: partial-left-behind
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    size = os.path.getsize(source) // 8
    done = os.path.getsize(partial) // (8 * block) * block if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        file.truncate(8 * done)
        for start in range(done, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    with open(partial, "rb") as ready, open(target, "wb") as file:
        while piece := ready.read(8 * block):
            file.write(piece)
