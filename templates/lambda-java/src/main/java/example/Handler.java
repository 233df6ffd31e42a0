package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A function of AWS Lambda's. */
public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    /** Answers a request, which comes as the event of a function URL. */
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        String path = (String) event.get("rawPath");
        String name = path.substring(path.lastIndexOf('/') + 1).replace("+", "%2B");
        return Map.of(
                "statusCode", 200,
                "headers", Map.of("content-type", "text/plain; charset=utf-8"),
                "body", "Hello, " + URLDecoder.decode(name, StandardCharsets.UTF_8) + "!\n");
    }
}
