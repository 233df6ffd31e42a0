import functions_framework


@functions_framework.http
def say_hello(request):
    return f"hello from the framework at {request.path}\n"


@functions_framework.cloud_event
def stored(event):
    print(event["id"])
