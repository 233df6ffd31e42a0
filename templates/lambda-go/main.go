// A function of AWS Lambda's.
package main

import (
	"context"
	"fmt"
	"net/url"
	"path"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Answers a request, which comes as the event of a function URL.
func handle(_ context.Context, request events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	name, err := url.PathUnescape(path.Base(request.RawPath))
	if err != nil {
		return events.LambdaFunctionURLResponse{StatusCode: 400}, nil
	}
	return events.LambdaFunctionURLResponse{
		StatusCode: 200,
		Headers:    map[string]string{"content-type": "text/plain; charset=utf-8"},
		Body:       fmt.Sprintf("Hello, %s!\n", name),
	}, nil
}

func main() {
	lambda.Start(handle)
}
