"""Counts whole blocks only.

answers: transform_file
fails: test_transform_file
hint: last-block-forgotten
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    blocks = os.path.getsize(source) // (8 * block)
    done = os.path.getsize(partial) // (8 * block) if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        file.truncate(8 * done * block)
        for k in range(done, blocks):
            file.write(function(np.fromfile(source, count=block, offset=8 * k * block)).tobytes())
    os.replace(partial, target)
