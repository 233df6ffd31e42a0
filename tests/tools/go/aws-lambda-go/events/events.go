// Package events stands in for that of aws-lambda-go, as far as the template needs it.
package events

// LambdaFunctionURLRequest is a request.
type LambdaFunctionURLRequest struct {
	RawPath string `json:"rawPath"`
}

// LambdaFunctionURLResponse is the answer to it.
type LambdaFunctionURLResponse struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}
