package com.amazonaws.services.lambda.runtime;

/** Stands in for that of aws-lambda-java-core. */
public interface Context {
    String getAwsRequestId();
}
