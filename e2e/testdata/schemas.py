"""Validates messages against JSON Schemas: python schemas.py DIRECTORY < messages

Each line of the input has a message, the name of its schema, and whether it is valid. Each
line of the output says what is wrong. The last line counts the messages.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

validators = {}
for path in pathlib.Path(sys.argv[1]).glob("*.json"):
    schema = json.loads(path.read_text())
    if "openapi" not in schema:
        Draft202012Validator.check_schema(schema)
        validators[path.stem] = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

count = 0
for line in sys.stdin:
    case = json.loads(line)
    count += 1
    errors = [f"{e.json_path}: {e.message}" for e in validators[case["schema"]].iter_errors(case["message"])]
    if case["valid"] and errors:
        print(f"{case['name']} is not valid: {'; '.join(errors)}")
    if not case["valid"] and not errors:
        print(f"{case['name']} is valid")
print(count)
