"""Sentences in seven languages for espeak-ng's plain voice. Mandarin, Japanese and Arabic are never trained on."""

from __future__ import annotations

LANGUAGES = {
    "en-us": (
        "The boy from the village brought apples and plums.", "We move to Vienna before summer, my brother and me.",
        "Somebody left a wet umbrella in front of my office.", "Five people came by bus, the others had to walk.",
        "Would you mind opening the window for a minute?", "The moon was bright above the empty harbour.",
    ),
    "de": (
        "Der Bäcker brachte am Morgen Brot und Pflaumen vom Markt.", "Meine Mutter wohnt seit fünf Jahren in Potsdam.",
        "Kannst du bitte das Fenster aufmachen, mir ist warm.", "Am Bahnhof warten viele Menschen auf den Bus.",
        "Wir haben gestern Abend einen spannenden Film gesehen.", "Über dem Hafen ging langsam der Mond auf.",
    ),
    "fr": (
        "Ma mère porte un beau manteau pour le marché de Paris.", "Bonjour, je voudrais parler avec votre voisin.",
        "Il a oublié son parapluie devant la porte du bureau.", "Nous prenons le bateau demain matin avec nos amis.",
        "Pouvez-vous ouvrir la fenêtre, il fait trop chaud ici.", "La lune brillait au-dessus du petit port vide.",
    ),
    "es": (
        "Mi abuelo compra manzanas y pan por la mañana.", "Buenos días, vamos a la playa con toda la familia.",
        "Alguien ha olvidado un paraguas delante de mi puerta.", "Mañana por la tarde viene mi hermano en barco.",
        "Por favor, abre la ventana, hace mucho calor.", "La luna brillaba sobre el puerto vacío.",
    ),
    "cmn-latn-pinyin": (
        "wo3 ma1ma5 ming2tian1 mai3 ping2guo3 he2 mian4bao1.", "ni3men5 pa4 bu2 pa4 dong1tian1 de5 da4 feng1?",
        "qing3 ni3 ba3 men2 da3kai1, wu1li3 tai4 re4.", "bei3jing1 de5 peng2you5 ming2nian2 lai2 kan4 wo3men5.",
        "ta1 fu4qin1 mei3tian1 zao3shang5 he1 yi4 bei1 cha2.", "yue4liang5 zai4 hai3 shang4 man4man5 sheng1qi3.",
    ),
    "ja": (
        "あのひとはまいにちパンとミルクをたべます。", "ぼくのともだちはまちのびじゅつかんへいきました。",
        "すみませんが、まどをあけてください。", "あめがふっているので、バスでかえります。",
        "ははがつくったべんとうはとてもおいしい。", "つきがうみのうえにゆっくりのぼった。",
    ),
    "ar": (
        "ذهب محمد إلى السوق مع أبيه في الصباح.", "البيت كبير والباب مفتوح أمام الضيوف.",
        "من فضلك افتح النافذة فالجو حار هنا.", "وصل صديقي من المدينة بالباص مساء أمس.",
        "أمي تطبخ كل يوم طعاما لذيذا لنا.", "كان القمر فوق البحر جميلا تلك الليلة.",
    ),
}  # fmt: skip
