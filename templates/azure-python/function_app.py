"""Functions of Azure's, in its model for Python, version 2."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="my-function/{name}", methods=["GET"])
def hello(req: func.HttpRequest) -> func.HttpResponse:
    """Answers a request."""
    return func.HttpResponse(f"Hello, {req.route_params['name']}!\n", mimetype="text/plain")
