from step import protocol

assert protocol() == "WebSocketProtocol"
