// GitHub's paths and habits on oidc-provider, which really enforces PKCE: errors inside a 200, forms unless JSON is asked
// for, commas between scopes, X-OAuth-Scopes, check-a-token.
// usage: node github.mjs PORT CALLBACK USERS.json
import { readFileSync } from 'node:fs';
import http from 'node:http';
import Provider from 'oidc-provider';

const [port, callback, file] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const users = JSON.parse(readFileSync(file, 'utf8'));
const APP = { id: 'our-app', secret: 'app-secret-canary' };
const API = '/api/v3';

const provider = new Provider(url, {
  clients: [
    {
      client_id: APP.id,
      client_secret: APP.secret,
      redirect_uris: [callback],
      grant_types: ['authorization_code'],
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: 'another-app',
      client_secret: 'another-secret',
      redirect_uris: [callback],
      grant_types: ['authorization_code'],
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  scopes: ['public_repo', 'repo', 'admin:org', 'read:org'],
  pkce: { required: () => true },
  routes: { authorization: '/login/oauth/authorize', token: '/login/oauth/access_token' },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['only for tests'] },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600 },
});

const read = (request) =>
  new Promise((done) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => done(text));
  });

const send = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

async function owner(token) {
  const found = token && (await provider.AccessToken.find(token));
  return found && users[found.accountId] && { ...found, user: users[found.accountId] };
}

const told = (login, user) => ({ login, id: user.id });

async function check(request, response, app) {
  const login = `Basic ${Buffer.from(`${APP.id}:${APP.secret}`).toString('base64')}`;
  if (app !== APP.id || request.headers.authorization !== login) return send(response, 401, { message: 'Bad credentials' });
  const { access_token: token } = JSON.parse(await read(request));
  const found = await owner(token);
  if (!found || found.clientId !== app) return send(response, 404, { message: 'Not Found' });
  const scopes = (found.scope || '').split(' ').filter(Boolean);
  return send(response, 200, { app: { client_id: app }, scopes, user: told(found.accountId, found.user) });
}

async function api(request, response, path) {
  const [, app] = path.match(/^\/applications\/([^/]+)\/token$/) || [];
  if (app && request.method === 'POST') return check(request, response, app);
  const found = await owner((request.headers.authorization || '').replace('Bearer ', ''));
  if (!found) return send(response, 401, { message: 'Bad credentials' });
  const scopes = (found.scope || '').split(' ').filter(Boolean);
  const headers = { 'X-OAuth-Scopes': scopes.join(', ') };
  if (path === '/user') return send(response, 200, told(found.accountId, found.user), headers);
  if (!scopes.some((one) => ['read:org', 'admin:org'].includes(one))) return send(response, 403, { message: 'needs read:org' }, headers);
  const { organizations = [], teams = [] } = found.user;
  if (path === '/user/memberships/orgs') {
    return send(response, 200, organizations.map((login) => ({ state: 'active', organization: { login } })), headers);
  }
  if (path === '/user/teams') {
    const rows = teams.map((name) => ({ slug: name.split('/')[1], organization: { login: name.split('/')[0] } }));
    return send(response, 200, rows, headers);
  }
  return send(response, 404, { message: 'Not Found' });
}

// oidc-provider's token endpoint speaks the standard; GitHub does not.
async function asGitHub(request, response) {
  // It takes a form that is read already, and wants to be told the grant, which GitHub does not.
  request.body = { grant_type: 'authorization_code', ...Object.fromEntries(new URLSearchParams(await read(request))) };
  const json = (request.headers.accept || '').includes('json');
  const { end, writeHead } = response;
  const chunks = [];
  response.writeHead = () => response;
  response.write = (chunk) => chunks.push(Buffer.from(chunk)) > 0;
  response.end = (chunk) => {
    if (chunk) chunks.push(Buffer.from(chunk));
    const answer = JSON.parse(Buffer.concat(chunks).toString());
    delete answer.id_token;
    delete answer.expires_in;
    if (answer.scope) answer.scope = answer.scope.split(' ').join(',');
    const body = json ? JSON.stringify(answer) : new URLSearchParams(answer).toString();
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    const type = json ? 'application/json' : 'application/x-www-form-urlencoded';
    response.statusMessage = 'OK';
    writeHead.call(response, 200, { 'Content-Type': `${type}; charset=utf-8` });
    return end.call(response, body);
  };
  return provider.callback()(request, response);
}

http
  .createServer((request, response) => {
    const { pathname } = new URL(request.url, url);
    if (pathname === '/up') return send(response, 200, {});
    if (pathname.startsWith(API)) return api(request, response, pathname.slice(API.length));
    if (pathname === '/login/oauth/access_token') return asGitHub(request, response);
    if (pathname === '/login/oauth/authorize' && !request.url.includes('response_type')) request.url += '&response_type=code';
    return provider.callback()(request, response);
  })
  .listen(Number(port), '127.0.0.1');
