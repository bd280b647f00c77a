//! Function words and letters that tell languages of one script apart.

/// The most frequent words that carry grammar rather than matter, by language.
pub(super) const FUNCTION_WORDS: [(&str, &str); 26] = [
    (
        "en",
        "the of and to in is that it was for on are as with his they be at this have from or had by not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her like him could been than who its now did down only may over after also most any very should because between through where while why does being your you i my me he a here just get new want make know well before against such those both during without within must however using use used",
    ),
    (
        "de",
        "der die das und ist ein eine nicht ich zu es mit sich auf für den dem des im von sie er wir ihr auch als wie bei nach aus oder aber einen einem einer eines wird werden wurde sind war haben hat hatte kann können über wenn noch nur so um vor durch zum zur dass daß mein dein sein ihre ihren diese dieser dieses was wo warum wer gegen ohne unter bis mehr sehr schon immer alle alles mich dich mir dir uns euch keine kein man am an vom hier dort dann denn weil zwischen muss soll bin bist seid gibt zeigt erstelle verwende",
    ),
    (
        "es",
        "el la los las un una unos unas de del y que en es por para con no se su sus lo al como más pero o este esta esto estos estas ese esa eso muy ya le les me te nos mi tu yo él ella ellos ellas usted ustedes fue era son está están ser estar hay tiene tengo hacer sobre también cuando donde qué cómo quién cuál porque entre desde hasta sin si sí todo todos toda todas otro otra puede pueden cada después antes así soy eres somos nada algo alguien bien aquí",
    ),
    (
        "fr",
        "le la les un une des de du et est que qui en dans pour pas sur au aux avec ce ces cette cet il elle ils elles nous vous je tu on ne se sa son ses leur leurs mais ou où plus par sont être avoir été fait faire comme tout tous toute toutes même aussi bien si sans très était ont ai as avez êtes suis sommes quel quelle quoi comment pourquoi quand entre après avant sous chez moi toi lui mon ton ma ta mes tes votre notre vos nos peut peuvent cela ça donc alors ici là rien jamais",
    ),
    (
        "it",
        "il lo la i gli le un uno una di del della dei delle degli che e è in per non con si su al alla ai alle da dal dalla nel nella nei sono come più ma o anche questo questa questi queste quello quella ho hai ha abbiamo hanno sei siamo essere avere fare mi ti ci vi lui lei loro io tu noi voi suo sua mio mia tuo tua cosa chi quando dove perché se molto tutto tutti tutte ogni dopo prima senza tra fra così può possono era stato stata qui bene niente",
    ),
    (
        "pt",
        "o a os as um uma uns umas de do da dos das e que em é para por com não se seu sua no na nos nas ao à mais mas ou como este esta isto esse essa isso muito já ele ela eles elas eu tu você vocês nós meu minha teu tua foi era são está estão ser estar há tem tenho fazer sobre também quando onde quê quem qual porque porquê entre desde até sem sim todo todos toda todas outro outra pode podem cada depois antes assim sou nada alguém bem aqui pelo pela num numa",
    ),
    (
        "nl",
        "de het een en van ik te dat die in is niet zijn op aan met voor er maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat iets worden toch al waren veel meer doen toen moet ben zonder kan hun dus alles onder ja eens hier wie werd altijd doch wordt wezen kunnen ons zelf tegen na reeds wil kon niets uw iemand geweest andere jij jouw wij jullie waarom waar wanneer welke",
    ),
    (
        "sv",
        "och att det i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig du henne då sin nu har inte hans honom skulle hennes där min man ej vid kunde något från ut när efter upp vi dem vara vad över än dig kan sina här ha mot alla under någon eller allt mycket sedan ju denna själv detta åt utan varit hur ingen mitt ni bli blev oss din dessa några deras blir mina samma vilken er sådan vår blivit dess inom mellan sådant varför varje vilka ditt vem vilket",
    ),
    (
        "da",
        "og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne ind når være dog noget ville jo deres efter ned skulle denne end dette mit også under have dig anden hende mine alt meget sit sine vor mod disse hvis din nogle hos blive mange ad bliver hendes været thi jer sådan",
    ),
    (
        "no",
        "og i jeg det at en et den til er som på de med han av ikke ikkje der så var meg seg men ett har om vi min mitt ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal selv sjøl her alle vil bli ble blei blitt kunne inn når være kom noen noe ville dere deres kun ja etter ned skulle denne for deg si sine sitt mot å meget hvorfor dette disse uten hvordan ingen din ditt blir samme hvilken hvilke sånn inni mellom vår hver hvem vors",
    ),
    (
        "fi",
        "ja on ei se että hän oli mutta ovat kuin niin minä sinä me te he tämä joka mitä kun vain nyt olen olet olemme myös jos mikä kuka missä tai sen hänen minun sinun ole voi kaikki sitten koska vielä jo mukaan ennen kanssa noin ollut siitä tässä siellä täällä miksi milloin",
    ),
    (
        "pl",
        "i w nie na się z do to że jest jak co po ale tak za od czy ja ty on ona my wy oni być był była było są ten ta te tego tej tym jego jej ich mnie mi ci ciebie dla przez przy już tylko może gdy kiedy gdzie dlaczego który która które bardzo mam masz ma mamy oraz lub jako nad pod bez między aby żeby",
    ),
    (
        "cs",
        "a v na se je že to s z do o i jako za by ale po který která které si jsem jsi jsme jste jsou byl byla bylo být tak jak co když nebo už jen jeho její jejich ten ta tento tato pro od při podle mezi než až není kde kdy proč kdo tady může mohou před bez ještě také protože",
    ),
    (
        "ro",
        "și de la în a nu cu pe că este un o din pentru mai sunt ca ce se să au fost al ale cel cea care dar sau acest această eu tu el ea noi voi ei ele fi era după prin între până fără când unde cum cine foarte tot toate am ai are avem aveți lui lor meu mea tău sa",
    ),
    (
        "hu",
        "a az és hogy nem is egy ez van volt de meg csak ha mint már még ki mi el én te ő mert azt ezt lesz kell vagy sem most úgy így nagyon nincs minden ami aki ahol amikor miért hol mikor után előtt között nélkül lehet lenne vannak voltak neki nekem",
    ),
    (
        "tr",
        "ve bir bu da de için ile ne o ben sen biz siz onlar mi mı mu mü çok ama gibi daha var yok olarak olan en kadar sonra önce her şey değil ya ki nasıl neden niçin kim nerede hangi şu ise veya bana sana ona beni seni onu benim senin onun diye şimdi bütün",
    ),
    (
        "vi",
        "và là của có không được cho một với các những này đó trong để người tôi bạn anh chị em ông bà đã sẽ đang khi nào thì mà ở từ như cũng nhưng vì nếu hay hoặc rất nhiều gì ai đâu sao thế nên ra vào lên làm đến về",
    ),
    (
        "id",
        "yang dan di ini itu dengan untuk tidak dari dalam akan pada adalah ke saya anda kamu dia mereka kami kita juga atau ada bisa dapat oleh karena sudah telah seperti lebih apa siapa dimana kapan mengapa bagaimana hanya jika maka saat tetapi namun sangat banyak harus sebagai para bukan belum",
    ),
    (
        "ru",
        "и в не на я что он с как это по но они к у ты из мы за вы так же от сказал этот который человек о один еще ещё бы такой только себя свое какой когда уже для вот кто да говорить год мой до или если время рука нет самый ни стать большой даже другой наш под где дело есть сам раз чтобы два там чем глаз через после без между почему потому было были быть был очень можно нужно тебя меня мне тебе все всё",
    ),
    (
        "uk",
        "і в не на я що він з як це по але вони до у ти ми за ви так від цей який та про або якщо для коли вже ще тільки є був була було були бути мене мені тебе тобі його її їх наш ваш дуже можна треба чому де хто під над без між після чи",
    ),
    (
        "bg",
        "и в не на аз че той с как това по но те към ти от ние за вие така един който се да са съм си е или ако когато вече още само беше бяха бъде него нея нас вас много може трябва защо къде кой под над без между след ли",
    ),
    (
        "sr",
        "и у не на ја да је он са као то по али они ти из ми за ви тако од овај који или ако када већ још само био била било бити њега њој нас вас врло може треба зашто где ко под над без између после ли су се",
    ),
    (
        "ar",
        "في من على أن إلى هذا هذه التي الذي كان مع عن لا ما هو هي أو كل بعد قبل بين حتى إذا قد لم لن ثم أنا أنت نحن هم كيف لماذا متى أين ماذا هل و ليس عند منذ غير",
    ),
    (
        "fa",
        "و در به از که این است را با برای آن یک خود تا بر هم نیز شد شود می ما من شما او آنها چه چرا کجا هر همه اگر باید کند کرد نیست هست بود بودند ها های",
    ),
    (
        "ur",
        "اور کے میں کی ہے کا سے کو نے پر یہ وہ کہ ایک ہیں تھا تھی تھے بھی نہیں ہو کر جو تو ہم آپ کیا کیوں کہاں کب کون لیے ساتھ",
    ),
    (
        "hi",
        "के है में की का से को और हैं यह पर ने नहीं भी एक हो कर था थी थे जो तो मैं आप हम वह क्या क्यों कहाँ कब कौन लिए साथ अपने किया जाता मुझे",
    ),
];

/// Letters that few languages have.
pub(super) const RARE_LETTERS: [(&str, &str); 15] = [
    ("de", "ß"),
    ("es", "ñ¿¡"),
    ("pt", "ãõ"),
    ("fr", "œ"),
    ("pl", "łżźśćąęń"),
    ("cs", "řěů"),
    ("hu", "őű"),
    ("tr", "ğış"),
    ("ro", "șță"),
    ("da no", "øæ"),
    ("vi", "ơưđấầẩẫậếềểễệốồổỗộớờởỡợứừửữự"),
    ("ru", "ыэё"),
    ("uk", "іїєґ"),
    ("sr", "јљњћђџ"),
    ("fa ur", "پچگ"),
];
