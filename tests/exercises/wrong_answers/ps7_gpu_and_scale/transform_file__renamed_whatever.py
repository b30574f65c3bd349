"""Renames whatever has become of it.

answers: transform_file
fails: test_transform_file
hint: final-name-too-early
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    size = os.path.getsize(source) // 8
    done = os.path.getsize(partial) // (8 * block) * block if os.path.exists(partial) else 0
    try:
        with open(partial, "ab") as file:
            for start in range(done, size, block):
                file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    finally:
        os.replace(partial, target)
