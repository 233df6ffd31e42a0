"""The people at the desk, who are told which calls were given up."""


def handler(event, context):
    end = event["data"]
    print(f"call {end['invocation']} of {end['function']} was given up")
    print(f"after {end['attempts']} attempts: {end['error']}")
