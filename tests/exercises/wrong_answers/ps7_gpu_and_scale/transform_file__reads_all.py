"""Reads the file as a whole.

answers: transform_file
fails: test_transform_file
hint: whole-file-in-memory
"""
def transform_file(function, source, target, block):
    partial = target + ".partial"
    numbers = np.fromfile(source)
    done = os.path.getsize(partial) // (8 * block) * block if os.path.exists(partial) else 0
    with open(partial, "ab") as file:
        file.truncate(8 * done)
        for start in range(done, numbers.size, block):
            file.write(function(numbers[start : start + block]).tobytes())
    os.replace(partial, target)
