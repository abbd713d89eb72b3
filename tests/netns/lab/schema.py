# SPDX-License-Identifier: ISC
"""As much of JSON Schema as share/schema uses, and stricter: what a schema
does not describe is an error, be it a key of the answer or of the schema."""

import json
import os

TYPES = {"object": dict, "array": list, "string": str, "null": type(None),
         "boolean": bool}
KNOWN = {"$schema", "$comment", "title", "type", "properties", "required",
         "additionalProperties", "items", "enum", "const"}


def is_type(value, name):
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(
            value, int if name == "integer" else (int, float))
    return isinstance(value, TYPES[name])


def errors(value, schema, where="$"):
    """What is wrong, as a list of sentences."""
    found = ["%s: the schema has %s" % (where, key)
             for key in set(schema) - KNOWN]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        return found + ["%s: %r is no %s" % (where, value, types)]
    if "enum" in schema and value not in schema["enum"]:
        found.append("%s: %r is none of %s" % (where, value, schema["enum"]))
    if "const" in schema and value != schema["const"]:
        found.append("%s: %r is not %r" % (where, value, schema["const"]))
    if isinstance(value, dict):
        found += object_errors(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for i, one in enumerate(value):
            found += errors(one, schema["items"], "%s[%d]" % (where, i))
    return found


def object_errors(value, schema, where):
    found = ["%s: no %s" % (where, key)
             for key in schema.get("required", []) if key not in value]
    described = schema.get("properties", {})
    rest = schema.get("additionalProperties", False)
    for key, one in value.items():
        inner = "%s.%s" % (where, key)
        if key in described:
            found += errors(one, described[key], inner)
        elif isinstance(rest, dict):
            found += errors(one, rest, inner)
        elif not rest:
            found.append("%s: not described" % inner)
    return found


def load(prefix, verb):
    path = os.path.join(prefix, "share", "afwrt", "schema", verb + ".json")
    with open(path, encoding="utf-8") as f:
        return json.load(f)
