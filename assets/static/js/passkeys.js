// Security keys: asks the browser for the key's answer and puts it into the form (WebAuthn level 2).
(function () {
  "use strict";

  function bytes(text) {
    var base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(base64), function (sign) { return sign.charCodeAt(0); });
  }

  function text(buffer) {
    var signs = Array.from(new Uint8Array(buffer), function (byte) { return String.fromCharCode(byte); }).join("");
    return btoa(signs).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(list) {
    return (list || []).map(function (item) { return Object.assign({}, item, { id: bytes(item.id) }); });
  }

  function options(given) {
    var asked = Object.assign({}, given, { challenge: bytes(given.challenge) });
    if (given.user) asked.user = Object.assign({}, given.user, { id: bytes(given.user.id) });
    if (given.excludeCredentials) asked.excludeCredentials = withBytes(given.excludeCredentials);
    if (given.allowCredentials) asked.allowCredentials = withBytes(given.allowCredentials);
    return asked;
  }

  function answer(credential) {
    var response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    });
    return {
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  function start(form) {
    var given = JSON.parse(document.getElementById("key-options").textContent).publicKey;
    var problem = form.querySelector("[data-key-problem]");
    var button = form.querySelector("button");
    if (!window.PublicKeyCredential) {
      problem.textContent = "This browser knows no security keys. Use another browser, or a code.";
      problem.hidden = false;
      return;
    }
    button.disabled = true;
    problem.hidden = true;
    var asked = { publicKey: options(given) };
    var work = given.user ? navigator.credentials.create(asked) : navigator.credentials.get(asked);
    work.then(function (credential) {
      form.querySelector("[name=credential]").value = JSON.stringify(answer(credential));
      form.submit();
    }).catch(function (error) {
      button.disabled = false;
      problem.textContent = error.name === "InvalidStateError"
        ? "This key is added already. Use another one."
        : "The key gave no answer: it was cancelled, took too long, or is not one of yours. Try again.";
      problem.hidden = false;
    });
  }

  document.addEventListener("submit", function (event) {
    if (!event.target.matches("[data-security-key]")) return;
    event.preventDefault();
    start(event.target);
  });
})();
