<?php

// Every request comes here, but those for files beside this one.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$name = rawurldecode(basename($path));

header('content-type: text/plain; charset=utf-8');
echo "Hello, $name!\n";
