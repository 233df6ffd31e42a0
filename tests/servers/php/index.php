<?php
// A page behind PHP's own web server.
if ($_SERVER['REQUEST_URI'] === '/fail') {
    throw new RuntimeException('it failed');
}
header('X-Mine: 1');
echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'], ' ', file_get_contents('php://input');
