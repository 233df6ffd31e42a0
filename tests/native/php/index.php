<?php
// A page behind PHP's own web server: what it is asked stands in the path, or in the event.
$event = json_decode(file_get_contents('php://input'), true);
$word = $event['do'] ?? trim($_SERVER['REQUEST_URI'], '/');
file_put_contents('php://stdout', "asked to $word\n");
if ($word === 'fail') {
    throw new RuntimeException('it failed');
}
if ($word === 'slow') {
    sleep(60);
}
header('Content-Type: application/json');
echo json_encode(['did' => $word]);
