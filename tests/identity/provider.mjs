// A real OpenID provider on loopback. People and their claims are read from a file at each question, so that tests change them.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: Provider } = await import(pathToFileURL(process.env.OIDC_PROVIDER).href);
const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: JSON.parse(process.env.CLIENTS),
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  scopes: ["openid", "email", "profile", "groups"],
  pkce: { required: () => true },
  cookies: { keys: ["for the tests alone"] },
  async findAccount(_, id) {
    const person = JSON.parse(readFileSync(process.env.PEOPLE, "utf8"))[id] ?? {};
    return { accountId: id, async claims() { return { sub: id, ...person }; } };
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
