// Package lambda stands in for that of aws-lambda-go where Go's module proxy is not to be had: the
// same function, over the same API.
package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

// Start answers invocations for ever.
func Start[In, Out any](handler func(context.Context, In) (Out, error)) {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		if err := one(api, handler); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func one[In, Out any](api string, handler func(context.Context, In) (Out, error)) error {
	next, err := http.Get(api + "next")
	if err != nil {
		return err
	}
	defer next.Body.Close()
	var event In
	if err := json.NewDecoder(next.Body).Decode(&event); err != nil {
		return err
	}
	to := api + next.Header.Get("Lambda-Runtime-Aws-Request-Id")
	var answer any
	if answer, err = handler(context.Background(), event); err != nil {
		to += "/error"
		answer = map[string]string{"errorType": "error", "errorMessage": err.Error()}
	} else {
		to += "/response"
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	said, err := http.Post(to, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	said.Body.Close()
	if said.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the answer was not taken: %s", said.Status)
	}
	return nil
}
