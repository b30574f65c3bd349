"""Takes the bytes that are there for numbers.

answers: transform_file
fails: test_transform_file
hint: resumes-in-the-wrong-place
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    size = os.path.getsize(source) // 8
    done = os.path.getsize(partial) if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        for start in range(done, size, block):
            file.write(function(np.fromfile(source, count=block, offset=8 * start)).tobytes())
    os.replace(partial, target)
