package com.amazonaws.services.lambda.runtime.api.client;

import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.OutputStream;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Stands in for AWS's runtime interface client where Maven's repository is not to be had: the same
 * class, started in the same way, over the same API. It knows handlers of maps only.
 */
public class AWSLambda {
    /** Answers invocations for ever. */
    @SuppressWarnings("unchecked")
    public static void main(String[] arguments) throws Exception {
        String name = arguments[0].split("::")[0];
        var handler = (RequestHandler<Map<String, Object>, Map<String, Object>>)
                Class.forName(name).getDeclaredConstructor().newInstance();
        String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API")
                + "/2018-06-01/runtime/invocation/";
        while (true) {
            one(api, handler);
        }
    }

    private static void one(
            String api, RequestHandler<Map<String, Object>, Map<String, Object>> handler)
            throws Exception {
        var next = (HttpURLConnection) new URL(api + "next").openConnection();
        String event;
        try (InputStream body = next.getInputStream()) {
            event = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        }
        String id = next.getHeaderField("Lambda-Runtime-Aws-Request-Id");
        Map<String, Object> answer = handler.handleRequest(Json.object(event), () -> id);
        var post = (HttpURLConnection) new URL(api + id + "/response").openConnection();
        post.setRequestMethod("POST");
        post.setDoOutput(true);
        try (OutputStream body = post.getOutputStream()) {
            body.write(Json.text(answer).getBytes(StandardCharsets.UTF_8));
        }
        if (post.getResponseCode() != 202) {
            throw new IllegalStateException("the answer was not taken: " + post.getResponseCode());
        }
        post.getInputStream().close();
    }
}
