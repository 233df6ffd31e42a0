// Routes in the browser: every path without a file is answered with index.html.
const main = document.querySelector("main");

function show() {
  const order = location.pathname.match(/^\/orders\/(\d+)$/);
  main.textContent = order ? `This is order ${order[1]}.` : "This is home.";
}

document.querySelector("nav").addEventListener("click", (event) => {
  if (!event.target.href) return;
  event.preventDefault();
  history.pushState(null, "", event.target.href);
  show();
});
addEventListener("popstate", show);
show();
