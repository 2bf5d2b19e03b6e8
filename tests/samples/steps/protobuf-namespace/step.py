from google.protobuf import json_format, struct_pb2


def clean(text: str) -> dict:
    message = json_format.Parse(text, struct_pb2.Struct())
    return json_format.MessageToDict(message)
