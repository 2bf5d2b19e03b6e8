from jsonschema import Draft202012Validator, FormatChecker

SCHEMA = {"properties": {"at": {"type": "string", "format": "date-time"}}}


def is_valid(row: dict) -> bool:
    return Draft202012Validator(SCHEMA, format_checker=FormatChecker()).is_valid(row)
