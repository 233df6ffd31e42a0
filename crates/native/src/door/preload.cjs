'use strict';
// Has Node before version 24 use the proxy that its environment names.
//
// Connections of the agents of `http` and `https`, whoever made them, and those of `fetch` begin with
// a CONNECT to the proxy. An agent that has a way of its own to connect keeps it.

const proxy = process.env.HTTPS_PROXY && new URL(process.env.HTTPS_PROXY);
const direct = (process.env.NO_PROXY || '').split(',').filter(Boolean);

if (proxy) {
  const http = require('http');

  const isDirect = (host) => {
    const bare = String(host || 'localhost').replace(/^\[|\]$/g, '');
    return bare.startsWith('127.') || direct.includes(bare.toLowerCase());
  };

  const tunnel = (host, port, callback) => {
    const target = `${host.includes(':') && host[0] !== '[' ? `[${host}]` : host}:${port}`;
    const request = http.request({
      host: proxy.hostname,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target },
      agent: false,
    });
    const settle = (error, socket) => {
      const answer = callback;
      callback = () => {};
      answer(error, socket);
    };
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) return settle(null, socket);
      socket.destroy();
      const error = new Error(`the proxy answered ${response.statusCode} for ${target}`);
      return settle(Object.assign(error, { code: 'ERR_PROXY_TUNNEL' }));
    });
    request.once('error', (error) => settle(error));
    request.end();
  };

  const secure = (options, socket) => {
    const { socketPath, path, host, port, ...rest } = options;
    const name = options.servername || host;
    const named = require('net').isIP(name) ? {} : { servername: name };
    return require('tls').connect({ ...rest, ...named, host, socket });
  };

  const tunnelled = (plain, defaultPort, finish) => function (options, callback) {
    if (options.socketPath || options.path || isDirect(options.host)) {
      return plain.call(this, options, callback);
    }
    tunnel(options.host, options.port || defaultPort, (error, socket) => {
      if (error) return callback(error);
      return callback(null, finish(options, socket));
    });
    return undefined;
  };

  const base = http.Agent.prototype;
  base.createConnection = tunnelled(base.createConnection, 80, (_, socket) => socket);

  // `https` takes milliseconds to load, and many functions do not need it. When it is loaded it makes
  // an agent, which sets its port.
  let patched = false;
  const patch = (agent) => {
    const prototype = Object.getPrototypeOf(agent);
    if (patched || Object.getPrototypeOf(prototype) !== base) return;
    if (agent.constructor.name !== 'Agent' || !Object.hasOwn(prototype, 'createConnection')) return;
    patched = true;
    prototype.createConnection = tunnelled(prototype.createConnection, 443, secure);
  };
  const settled = (agent, value) => {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(agent, 'defaultPort', own);
  };
  // Before Node 24 it is an agent of `http` first, with port 80.
  Object.defineProperty(base, 'defaultPort', {
    configurable: true,
    get() { return undefined; },
    set(first) {
      if (first === 443) patch(this);
      if (patched || Object.getPrototypeOf(this) === base) return settled(this, first);
      return Object.defineProperty(this, 'defaultPort', {
        configurable: true,
        enumerable: true,
        get() { return first; },
        set(second) {
          settled(this, second);
          if (second === 443) patch(this);
        },
      });
    },
  });

  // `fetch` comes with its own client, which is not there before something asks for it.
  const dispatcher = Symbol.for('undici.globalDispatcher.1');
  const plainFetch = globalThis.fetch;
  if (typeof plainFetch === 'function') {
    let ready = false;
    const prepare = () => {
      ready = true;
      void globalThis.Headers;
      const plain = globalThis[dispatcher];
      // Where Node knows proxies itself, it is another kind.
      if (!plain || plain.constructor.name !== 'Agent') return;
      const connect = (options, callback) => {
        const port = options.port || (options.protocol === 'https:' ? 443 : 80);
        if (isDirect(options.hostname)) {
          const net = require(options.protocol === 'https:' ? 'tls' : 'net');
          const event = options.protocol === 'https:' ? 'secureConnect' : 'connect';
          const socket = net.connect({ host: options.hostname, port });
          socket.once(event, () => callback(null, socket)).once('error', callback);
          return;
        }
        tunnel(options.hostname, port, (error, socket) => {
          if (error || options.protocol !== 'https:') return callback(error, socket);
          const host = options.hostname;
          const tls = secure({ host, servername: options.servername }, socket);
          const failed = (problem) => callback(problem);
          tls.once('error', failed);
          return tls.once('secureConnect', () => {
            tls.removeListener('error', failed);
            callback(null, tls);
          });
        });
      };
      globalThis[dispatcher] = new plain.constructor({ connect });
    };
    globalThis.fetch = function fetch(input, init) {
      if (!ready) prepare();
      return plainFetch.call(this, input, init);
    };
  }
}
