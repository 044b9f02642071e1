/* Modules run when the page is whole. What is sent before then would not be asked about first, so it waits for them. */
(function () {
  var held = null, ready = false;
  function hold(event) {
    if (ready) return;
    var link = event.type === "click" ? event.target.closest && event.target.closest("a[data-confirm]") : null;
    if (event.type === "click" && !link) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    held = link ? { link: link } : { form: event.target, submitter: event.submitter };
  }
  addEventListener("submit", hold, true);
  addEventListener("click", hold, true);
  document.addEventListener("DOMContentLoaded", function () {
    ready = true;
    if (!held) return;
    if (held.link) held.link.click();
    else held.form.requestSubmit(held.submitter);
  });
})();
