"""Writes under the final name.

answers: transform_file
fails: test_transform_file
hint: final-name-too-early
"""
def transform_file(function, source, target, block):
    size = os.path.getsize(source) // 8
    done = os.path.getsize(target) // (8 * block) * block if os.path.exists(target) else 0
    with open(target, "ab") as file:
        file.truncate(8 * done)
        for start in range(done, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
