// Drives the path from an account to an assigned seat with the client that openapi-typescript and openapi-fetch make of openapi.yaml. What it sends and reads is checked
// by tsc --strict, so a name or a type that the document has wrong does not compile.
import assert from "node:assert/strict";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api.js";

const [baseUrl, account] = process.argv.slice(2);
assert(baseUrl && account, "usage: path.js URL ACCOUNT");

async function as(user: string, of: string, permissions: string): Promise<Client<paths>> {
  const answer = await fetch(`${baseUrl}/local/token`, { method: "POST", body: JSON.stringify({ account: of, user, permissions }) });
  const { accessToken } = (await answer.json()) as { accessToken: string };
  return createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Bearer ${accessToken}` } });
}

// What is answered to dry runs, and to requests with a plan that take long: no request of the path is one.
type Foreseen = components["schemas"]["DryRun"] | components["schemas"]["Deferred"];

// must is the answer's body, or the end of the test with the problem that came instead.
function must<T>(answer: { data?: T; error?: unknown; response: Response }): Exclude<T, Foreseen> {
  assert(answer.response.ok && answer.data !== undefined, `${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data as Exclude<T, Foreseen>;
}

const operator = await as("olga", "provider", "accounts.manage");
must(await operator.PUT("/v1/accounts/{account}", {
  params: { path: { account } },
  body: { name: "Acme", brand: "RingCentral", currency: "USD", timezone: "America/New_York", billingDay: 1, bundle: "standard" },
}));

const admin = await as(
  "ada", account, "catalog.read billing.read billing.purchase licenses.read licenses.manage directory.read directory.manage audit.read",
);
const path = { account };
must(await admin.PUT("/v1/accounts/{account}/cost-centers/{code}", { params: { path: { ...path, code: "CC-1" } }, body: { name: "Support" } }));

const catalog = must(await admin.GET("/v1/catalog", {}));
assert(catalog.items.some((product) => product.id === "live-reports" && product.kind === "seat"));

const cart = must(await admin.PUT("/v1/accounts/{account}/cart", {
  params: { path }, body: { lines: [{ productId: "live-reports", quantity: 2, costCenter: "CC-1" }] },
}));
assert.equal(cart.lines.length, 1);
const quote = must(await admin.POST("/v1/accounts/{account}/quotes", { params: { path }, body: {} }));
assert(Number.isInteger(quote.dueToday.amount));
const key = { "Idempotency-Key": "order-1" };
const order = must(await admin.POST("/v1/accounts/{account}/orders", { params: { path, header: key }, body: { quoteId: quote.id, acknowledged: true } }));
assert.equal(order.licenseCount, 2);
const again = await admin.POST("/v1/accounts/{account}/orders", { params: { path, header: key }, body: { quoteId: quote.id, acknowledged: true } });
assert.deepEqual(must(again), order);
assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");

must(await admin.PUT("/v1/accounts/{account}/users/{id}", { params: { path: { ...path, id: "auth0|zoe" } }, body: { name: "Zoe", email: "zoe@acme.example" } }));
const assigned = must(await admin.POST("/v1/accounts/{account}/assignments", {
  params: { path }, body: { items: [{ productId: "live-reports", userId: "auth0|zoe" }] },
}));
assert.equal(assigned.succeeded, 1);
const licenses = must(await admin.GET("/v1/accounts/{account}/licenses", { params: { path, query: { user: "auth0|zoe", limit: 10 } } }));
assert.equal(licenses.items[0]?.userName, "Zoe");
const summary = must(await admin.GET("/v1/accounts/{account}/licenses/summary", { params: { path } }));
assert.equal(summary.items.find((one) => one.productId === "live-reports")?.available, 1);

// A refusal has a type too: a code for each field at fault.
const refused = await admin.PUT("/v1/accounts/{account}/users/{id}", { params: { path: { ...path, id: "bob" } }, body: { name: "Bob", extension: "front-desk" } });
assert.equal(refused.response.status, 422);
assert.equal(refused.error && "errors" in refused.error ? refused.error.errors?.[0]?.code : undefined, "bad-format");
console.log("openapi-typescript: the path is done");
