"""Removes the old result first.

answers: transform_file
fails: test_transform_file
hint: old-result-lost
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    if os.path.exists(target):
        os.remove(target)
    size = os.path.getsize(source) // 8
    done = os.path.getsize(partial) // (8 * block) * block if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        file.truncate(8 * done)
        for start in range(done, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    os.replace(partial, target)
