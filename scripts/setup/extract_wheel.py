"""extract_wheel.py WHEEL FOLDER PREFIX...: unpacks the files of a wheel whose names start with one of the prefixes."""

import os
import sys
import zipfile

wheel, folder, *prefixes = sys.argv[1:]
found = dict.fromkeys(prefixes, 0)
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        prefix = next((p for p in prefixes if entry.filename.startswith(p)), None)
        if prefix is None:
            continue
        found[prefix] += 1
        path = archive.extract(entry, folder)
        mode = (entry.external_attr >> 16) & 0o777
        if mode and not entry.is_dir():
            os.chmod(path, mode)
missing = [prefix for prefix, count in found.items() if count == 0]
if missing:
    sys.exit("not in the wheel: " + ", ".join(missing))
