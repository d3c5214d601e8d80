#!/usr/bin/env python3
"""Whether a file is a sound CycloneDX document: valid.py FILE. Needs what `make chart` brings."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text()):
    sys.exit(f"{sys.argv[1]}: {error}")
