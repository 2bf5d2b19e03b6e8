def with_codec(function):
    import msgpack

    def wrapped(*arguments):
        return msgpack.unpackb(msgpack.packb(function(*arguments)))

    return wrapped


@with_codec
def read(text: str, kind: str) -> dict:
    match kind:
        case "yaml":
            import yaml

            return yaml.safe_load(text)
        case "xml":
            from xmltodict import parse

            return parse(text)
        case _:
            raise ValueError(kind)
