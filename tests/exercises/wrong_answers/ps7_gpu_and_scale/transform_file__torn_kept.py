"""Keeps half of a block.

answers: transform_file
fails: test_transform_file
hint: torn-block-kept
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    size = os.path.getsize(source) // 8
    done = os.path.getsize(partial) // (8 * block) * block if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        for start in range(done, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    os.replace(partial, target)
